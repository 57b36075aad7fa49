//! The deadline of a run.

use std::time::Duration;

use management_core::{CurrentRun, Health};
use tokio::time::timeout;

use crate::pool::DEFAULT_TIMEOUT;

/// How long a run has, from its begin.
pub(crate) fn allowed() -> Duration {
    CurrentRun::timeout().unwrap_or(DEFAULT_TIMEOUT)
}

/// What a run has found. The run of a check has a deadline already; this adds one to a run outside of a check.
pub(crate) async fn within_deadline(run: impl Future<Output = Health>) -> Health {
    if CurrentRun::timeout().is_some() {
        return run.await;
    }
    timeout(allowed(), run)
        .await
        .unwrap_or_else(|_| Health::down(format_args!("timed out after {}s", allowed().as_secs())))
}
