//! `/metrics` and `/prometheus`.

use bytes::Bytes;
use http::StatusCode;
use tokio::time::Instant;

use super::reply::{Content, Reply};
use crate::check::probe::Probe;
use crate::management::Management;
use crate::metrics::format::Format;
use crate::metrics::prometheus;

/// The metrics, which are there whatever the health of the service is. No check runs for them.
pub(super) async fn metrics(management: &Management, accepted: Format) -> Reply {
    let inner = management.inner();
    let now = Instant::now();
    if inner.version.last(now).is_none() {
        // Only until the provider has run once, and no longer than a probe waits.
        let budget = management.groups().probe(Probe::Readiness).budget;
        _ = inner.version.read(now, budget).await;
    }
    let other = match &inner.metrics_text {
        Some(other) => other.read(inner.health_budget).await,
        None => None,
    };
    let other = other.as_ref().and_then(|other| other.value.as_ref().ok());
    let format = match other {
        Some(other) if !other.is_openmetrics() => Format::Text,
        _ => accepted,
    };
    let content = match format {
        Format::Text => Content::Exposition,
        Format::OpenMetrics => Content::OpenMetrics,
    };
    let body = prometheus::encode(inner.source(), other, format);
    Reply { code: StatusCode::OK, content, body: Bytes::from(body) }
}
