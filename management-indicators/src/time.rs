//! The deadline of a run, and how long an answer took.

use std::time::Duration;

use management_core::{CurrentRun, Health};
use tokio::time::timeout;

/// The deadline of a run that is no part of a check, which has its own.
const DEFAULT: Duration = Duration::from_secs(4);

/// The time that a run may take in all.
pub(crate) fn allowed() -> Duration {
    CurrentRun::timeout().unwrap_or(DEFAULT)
}

/// What a run has found. The run of a check has a deadline already; this adds one to a run outside of a check.
pub(crate) async fn within_deadline(run: impl Future<Output = Health>) -> Health {
    if CurrentRun::timeout().is_some() {
        return run.await;
    }
    let late = || Health::down(format_args!("timed out after {}s", DEFAULT.as_secs()));
    timeout(DEFAULT, run).await.unwrap_or_else(|_| late())
}

/// To a tenth of a millisecond, since many servers answer in less than one.
pub(crate) fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 10_000.0).round() / 10.0
}
