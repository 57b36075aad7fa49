//! Runs version providers and info contributors like checks.

use std::sync::Arc;
use std::time::Duration;

use crate::check::provided::Provided;
use crate::report::log;
use crate::report::logged_reason::LoggedReason;
use crate::report::signals::Signals;
use crate::report::slow::Slow;
use crate::run::plan::Plan;
use crate::run::{Job, Label, Outcome, Runner};
use crate::text::json::Json;

/// An info contributor and its runner.
pub(crate) struct Contributor {
    pub(crate) key: String,
    pub(crate) runner: Arc<Runner<Provided<Json>>>,
}

impl Contributor {
    /// Makes each contributor, by its key, one that can run.
    pub(crate) fn all(
        providers: Vec<(String, Provider<Json>)>,
        signals: &Signals,
        budget: Duration,
    ) -> Vec<Self> {
        let contributor = |(key, provider): (String, Provider<Json>)| {
            let what = format!("info contributor `{key}`");
            Contributor { runner: provider.into_runner(what, signals, budget), key }
        };
        providers.into_iter().map(contributor).collect()
    }
}

/// A registered provider without a runner.
pub(crate) struct Provider<T> {
    pub(crate) job: Job<Provided<T>>,
    pub(crate) plan: Plan,
}

impl<T: Send + Sync + 'static> Provider<T> {
    /// Makes the runner. The log reports failures under the name `what`.
    pub(crate) fn into_runner(
        self,
        what: String,
        signals: &Signals,
        budget: Duration,
    ) -> Arc<Runner<Provided<T>>> {
        // As the subject of a sentence.
        let label = Label::Other(format!("the {what}"));
        let (logged, slow) = (LoggedReason::default(), Slow::new(Some(budget), "health budget"));
        Runner::new(
            Label::Other(what.clone()),
            self.job,
            self.plan,
            Arc::clone(&signals.background),
            Arc::clone(&signals.secrets),
            Box::new(move |previous, outcome: &Arc<Outcome<Provided<T>>>| {
                let failed_before = previous.is_some_and(Outcome::has_failed);
                let failure = outcome.value.as_ref().err();
                let why = failure.map(|why| why.confidential().unwrap_or_else(|| why.to_string()));
                log::provider(&what, &logged, failed_before, why.as_deref());
                slow.observe(&label, outcome);
            }),
        )
    }
}
