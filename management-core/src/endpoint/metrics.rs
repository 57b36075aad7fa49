//! `/metrics` and `/prometheus`.

use bytes::Bytes;
use http::request::Parts;
use http::{Method, StatusCode};
use tokio::time::Instant;

use super::exposition;
#[cfg(feature = "actuator")]
use super::negotiate;
use super::reply::{Content, Reply};
use super::{Endpoint, Respond};
use crate::check::probe::Probe;
use crate::management::Management;
use crate::metrics::format::Format;
use crate::metrics::prometheus;

impl Endpoint {
    /// Text, unless the client names JSON and likes it better.
    pub(super) fn metrics(&self, request: &Parts) -> Respond {
        let (format, quality) = exposition::format(&request.headers);
        #[cfg(feature = "actuator")]
        if let Some((content, liked)) = negotiate::named_json(&request.headers)
            && quality < liked
        {
            return self.metric_names(content, &request.method);
        }
        #[cfg(not(feature = "actuator"))]
        let _ = quality;
        self.exposition(format, &request.method)
    }

    pub(super) fn exposition(&self, format: Format, method: &Method) -> Respond {
        let management = self.shared.management.clone();
        Respond::later(method, async move { metrics(&management, format).await })
    }
}

/// The metrics, which are there whatever the health of the service is. No check runs for them.
async fn metrics(management: &Management, accepted: Format) -> Reply {
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
    Reply::new(StatusCode::OK, content, Bytes::from(body))
}
