//! The indicators without a client, on real sockets and file systems.

#[cfg(unix)]
mod disk;
mod http;
mod tcp;
mod tls;

use std::time::Duration;

use management_core::{Check, Health, Management, Status};

/// The result of a new run of a check.
struct Asked(Management);

impl Asked {
    fn new(check: impl Into<Check>) -> Self {
        let check = check.into().ttl(Duration::ZERO);
        Asked(Management::builder().check(check).build().unwrap())
    }

    async fn health(&self) -> Health {
        let report = self.0.health().await;
        report.components()[0].health().clone()
    }
}

/// The health of one run.
async fn run(check: impl Into<Check>) -> Health {
    Asked::new(check).health().await
}

#[track_caller]
fn assert_health(health: &Health, status: Status, reason: &str) {
    assert_eq!(health.status(), status, "{health:?}");
    assert!(health.reason().unwrap_or_default().starts_with(reason), "{health:?}");
}
