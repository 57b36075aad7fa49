//! The reason that the log has last.

use std::time::Duration;

use tokio::time::Instant;

use crate::sync::Mutex;

/// How often a changed reason is logged: a reason with a counter in it changes with each run.
const MIN_PAUSE: Duration = Duration::from_secs(60);

/// The reason that the log has last, so that only new ones are logged.
#[derive(Debug, Default)]
pub(crate) struct LoggedReason(Mutex<Logged>);

#[derive(Debug, Default)]
struct Logged {
    reason: Option<String>,
    /// When a changed reason was logged without a change of the status.
    changed_at: Option<Instant>,
}

impl LoggedReason {
    /// Remembers a reason that is logged in any case.
    pub(crate) fn record(&self, reason: Option<&str>) {
        self.0.lock().reason = reason.map(str::to_owned);
    }

    /// Whether to log this reason, because it differs from the last one. If so, remembers it.
    pub(crate) fn is_new(&self, reason: &str) -> bool {
        let mut logged = self.0.lock();
        if logged.reason.as_deref() == Some(reason) {
            return false;
        }
        let now = Instant::now();
        if logged.changed_at.is_some_and(|at| now < at + MIN_PAUSE) {
            return false;
        }
        *logged = Logged { reason: Some(reason.to_owned()), changed_at: Some(now) };
        true
    }
}
