//! The deadline of an indicator that is asked outside of a check.

use management_core::{CurrentRun, Health};
use tokio::time::timeout;

use crate::pool::DEFAULT_TIMEOUT;

/// Asks within the deadline. A run of a check has one of its own, which the runner watches.
pub(crate) async fn within(asking: impl Future<Output = Health>) -> Health {
    if CurrentRun::timeout().is_some() {
        return asking.await;
    }
    timeout(DEFAULT_TIMEOUT, asking).await.unwrap_or_else(|_| {
        Health::down(format_args!("timed out after {}s", DEFAULT_TIMEOUT.as_secs()))
    })
}
