//! `/info` and `/version`.

use bytes::Bytes;
use http::StatusCode;
use tokio::time::Instant;

use super::json;
use super::reply::{Content, Reply};
use crate::info::version::{NotProvided, UNKNOWN};
use crate::management::Management;

pub(super) async fn version(management: &Management) -> Reply {
    let inner = management.inner();
    let (code, text) = match inner.version.read(Instant::now(), inner.health_budget).await {
        Ok(version) => (StatusCode::OK, version),
        Err(NotProvided) => (StatusCode::SERVICE_UNAVAILABLE, None),
    };
    let body = text.map_or(Bytes::from_static(UNKNOWN.as_bytes()), Bytes::from);
    Reply { code, content: Content::Text, body }
}

/// `content` is a kind of JSON, all of which have the same body.
pub(super) async fn info(management: &Management, content: Content) -> Reply {
    let inner = management.inner();
    let now = Instant::now();
    // All are asked before the first is awaited, so that they run at the same time.
    let asked: Vec<_> = inner
        .contributors
        .iter()
        .filter(|contributor| inner.identity.shows(&contributor.key))
        .map(|contributor| (contributor, contributor.runner.ask(now)))
        .collect();
    let version = inner.version.read(now, inner.health_budget).await.unwrap_or(None);
    let mut outcomes = Vec::with_capacity(asked.len());
    for (contributor, asked) in asked {
        let reading = contributor.runner.answer(asked, now, inner.health_budget).await;
        outcomes.extend(reading.outcome.ok().map(|outcome| (&*contributor.key, outcome)));
    }
    let contributions = outcomes
        .iter()
        .filter_map(|(key, outcome)| outcome.value.as_ref().ok().map(|json| (*key, json)));
    let body = json::info(&inner.identity, version.as_deref(), contributions);
    Reply { code: StatusCode::OK, content, body }
}
