//! What this process is: `/info` and `/version`.

use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use tokio::time::Instant;

use super::json;
use super::reply::{Content, Reply};
use crate::info::Json;
use crate::management::Management;
use crate::provided::Provided;
use crate::runner::{Asked, Reading, Runner, Value};
use crate::version::UNKNOWN;

/// What the version provider says; `Err` where it has failed or is late.
async fn provided_version(management: &Management, now: Instant) -> Result<Option<String>, ()> {
    let version = &management.inner().version;
    let provided = match &version.provider {
        None => None,
        Some(provider) => {
            let asked = provider.ask(now);
            let outcome = read(provider, asked, management, now).await.outcome;
            match outcome.as_ref().map(|outcome| &outcome.value) {
                Ok(Ok(provided)) => provided.clone(),
                // Logged when it was run.
                Ok(Err(_)) | Err(_) => return Err(()),
            }
        }
    };
    let provided = provided.filter(|version| !version.is_empty());
    Ok(provided.or_else(|| version.variable.clone()))
}

pub(super) async fn version(management: &Management) -> Reply {
    let (code, text) = match provided_version(management, Instant::now()).await {
        Ok(version) => (StatusCode::OK, version),
        Err(()) => (StatusCode::SERVICE_UNAVAILABLE, None),
    };
    let body = text.map_or(Bytes::from_static(UNKNOWN.as_bytes()), Bytes::from);
    Reply { code, content: Content::Text, body }
}

pub(super) async fn info(management: &Management) -> Reply {
    let inner = management.inner();
    let now = Instant::now();
    // All are asked before the first is waited for, so that they run at once.
    let asked: Vec<_> = inner
        .contributors
        .iter()
        .map(|contributor| (contributor, contributor.runner.ask(now)))
        .collect();
    let version = provided_version(management, now).await.unwrap_or(None);
    let mut outcomes = Vec::with_capacity(asked.len());
    for (contributor, asked) in asked {
        let reading: Reading<Provided<Json>> =
            read(&contributor.runner, asked, management, now).await;
        outcomes.extend(reading.outcome.ok().map(|outcome| (&*contributor.key, outcome)));
    }
    let contributions = outcomes
        .iter()
        .filter_map(|(key, outcome)| outcome.value.as_ref().ok().map(|json| (*key, json)));
    let body = json::info(&inner.name, version.as_deref(), contributions);
    Reply { code: StatusCode::OK, content: Content::Json, body }
}

async fn read<V: Value>(
    runner: &Arc<Runner<V>>,
    asked: Asked<V>,
    management: &Management,
    since: Instant,
) -> Reading<V> {
    match asked {
        Asked::Known(reading) => reading,
        Asked::Running(run) => runner.wait(run, since, management.inner().health_budget).await,
    }
}
