//! What this process is.

mod attributes;
mod container;
mod file;
mod folder;
mod host;
pub(crate) mod identity;
pub(crate) mod instance_id;
mod kubernetes;
mod mountinfo;
mod os;
mod pod_name;
mod process;
#[cfg(feature = "opentelemetry")]
pub(crate) mod resource;
mod resource_attributes;
pub(crate) mod version;

use std::sync::Arc;

use serde_json::value::RawValue;

use crate::check::provided::Provided;
use crate::check::settings::Plan;
use crate::report::log;
use crate::report::news::News;
use crate::report::slot::{Signals, Slow};
use crate::run::{Job, Outcome, Runner, Value};

/// JSON as it was written, so that the order of a struct's fields is kept.
pub type Json = Box<RawValue>;

/// An info contributor among the others.
pub(crate) struct Contributor {
    pub(crate) key: String,
    pub(crate) runner: Arc<Runner<Provided<Json>>>,
}

/// A provider as it was registered or given, not yet running.
pub(crate) struct Provider<T> {
    pub(crate) job: Job<Provided<T>>,
    pub(crate) plan: Plan,
}

impl<T: Send + Sync + 'static> Provider<T> {
    /// Runs it like a check; what fails is logged under the name of `what`.
    pub(crate) fn into_runner(
        self,
        what: String,
        signals: &Signals,
        budget: std::time::Duration,
    ) -> Arc<Runner<Provided<T>>> {
        let (news, slow) = (News::default(), Slow::new(Some(budget), "health budget"));
        Runner::new(
            what.clone(),
            self.job,
            self.plan,
            Arc::clone(&signals.background),
            Arc::clone(&signals.secrets),
            Box::new(move |previous, outcome: &Arc<Outcome<Provided<T>>>| {
                let failed_before = previous.is_some_and(|previous| !previous.value.is_success());
                let failure = outcome.value.as_ref().err();
                let why = failure.map(|why| why.confidential().unwrap_or_else(|| why.to_string()));
                log::provider(&what, &news, failed_before, why.as_deref());
                slow.observe("the", &what, outcome);
            }),
        )
    }
}

/// The name of this program, where the builder gives none.
pub(crate) fn executable() -> String {
    let path = std::env::current_exe().ok();
    let name = path.as_deref().and_then(std::path::Path::file_name);
    let name = name.map_or_else(|| "unknown".into(), |name| name.to_string_lossy());
    name.strip_suffix(std::env::consts::EXE_SUFFIX).unwrap_or(&name).into()
}
