//! The metrics of another exporter of the program.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::check::provided::Provided;
use crate::info::provider::Provider;
use crate::line::line;
use crate::metrics::exposition::Exposition;
use crate::metrics::prometheus;
use crate::report::log::list_names;
use crate::report::signals::Signals;
use crate::run::{Failure, Job, Outcome, Runner};

/// The setting, as messages name it.
pub(crate) const SETTING: &str = "`.metrics_text(…)`";

/// The exporter, which runs as providers do.
pub(crate) struct Other {
    pub(crate) runner: Arc<Runner<Provided<Exposition>>>,
    /// Whether the log has the names that it shares with this library.
    is_reported: AtomicBool,
}

impl Other {
    /// Validates the text of each run. The exporter may block, and has a thread of its own.
    pub(crate) fn job(
        text: impl Fn() -> String + Send + Sync + 'static,
    ) -> Job<Provided<Exposition>> {
        Job::blocking(move || Exposition::parse(text()).map_err(Failure::failed))
    }

    pub(crate) fn new(provider: Provider<Exposition>, signals: &Signals, budget: Duration) -> Self {
        let runner = provider.into_runner(SETTING.into(), signals, budget);
        Other { runner, is_reported: AtomicBool::new(false) }
    }

    /// What the exporter says now, unless it fails or takes longer than the budget. The log has the reason.
    pub(crate) async fn read(
        &self,
        budget: Duration,
    ) -> Option<Arc<Outcome<Provided<Exposition>>>> {
        let now = Instant::now();
        let reading = self.runner.answer(self.runner.ask(now), now, budget).await;
        // Earlier values would pass for those of now.
        let outcome = reading.outcome.ok().filter(|_| !reading.is_stale)?;
        if let Ok(exposition) = &outcome.value {
            self.report(&prometheus::clashes(exposition));
        }
        Some(outcome)
    }

    /// Logs once which series are left out.
    fn report(&self, names: &[String]) {
        if !names.is_empty() && !self.is_reported.swap(true, Ordering::Relaxed) {
            let names = list_names(names);
            line!(
                WARN,
                [setting = SETTING, names = names.clone()],
                "{SETTING} has metrics of its own with these names, which replace ours: {names}"
            );
        }
    }
}
