//! The deadline of a probe.

use management_core::{CurrentRun, Health};
use tokio::time::timeout;

use crate::pool::DEFAULT_TIMEOUT;

/// Enforces the default deadline outside of a run of a check, where nobody else enforces one.
pub(crate) async fn within_deadline(health: impl Future<Output = Health>) -> Health {
    if CurrentRun::timeout().is_some() {
        return health.await;
    }
    timeout(DEFAULT_TIMEOUT, health).await.unwrap_or_else(|_| {
        Health::down(format_args!("timed out after {}s", DEFAULT_TIMEOUT.as_secs()))
    })
}
