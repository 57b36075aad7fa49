//! `/info` and `/version`.

use bytes::Bytes;
use http::StatusCode;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use tokio::time::Instant;

use super::json;
use super::reply::{Content, Reply};
use crate::info::build_info::BuildInfo;
use crate::info::identity::{ATTRIBUTES, Identity};
use crate::info::version::{NotProvided, UNKNOWN};
use crate::management::Management;
use crate::text::json::Json;

pub(super) async fn version(management: &Management) -> Reply {
    let inner = management.inner();
    let (code, text) = match inner.version.read(Instant::now(), inner.health_budget).await {
        Ok(version) => (StatusCode::OK, version),
        Err(NotProvided) => (StatusCode::SERVICE_UNAVAILABLE, None),
    };
    let body = text.map_or(Bytes::from_static(UNKNOWN.as_bytes()), Bytes::from);
    Reply::new(code, Content::Text, body)
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
    let info = Info {
        identity: &inner.identity,
        version: version.as_deref(),
        contributions: contributions.collect(),
    };
    let body = json::to_bytes(&info);
    Reply::new(StatusCode::OK, content, body)
}

/// Each section and each contribution, as far as they are shown. `build`, `git`, `os` and `process` have the shape of
/// Actuator's.
struct Info<'a> {
    identity: &'a Identity,
    version: Option<&'a str>,
    contributions: Vec<(&'a str, &'a Json)>,
}

#[derive(Serialize)]
struct App<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
}

/// Spring Boot Admin reads the version here.
#[derive(Default, Serialize)]
struct Build<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    /// Actuator has the package here, and a title as the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rustc: Option<&'a str>,
}

#[derive(Serialize)]
struct Git<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    branch: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<Commit<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dirty: Option<bool>,
}

#[derive(Serialize)]
struct Commit<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<&'a str>,
}

impl<'a> Info<'a> {
    /// `None` if nothing is known.
    fn build(&self) -> Option<Build<'a>> {
        let version = self.version;
        match &self.identity.build {
            None => version.map(|_| Build { version, ..Build::default() }),
            Some(build) => Some(Build {
                name: build.name(),
                artifact: build.name(),
                version,
                time: build.time(),
                profile: Some(build.profile()),
                target: build.target(),
                rustc: build.rustc(),
            }),
        }
    }

    /// `None` if nothing is known.
    fn git(&self) -> Option<Git<'a>> {
        let build: &BuildInfo = self.identity.build.as_ref()?;
        let (id, time) = (build.commit(), build.commit_time());
        let commit = (id.is_some() || time.is_some()).then_some(Commit { id, time });
        let (branch, dirty) = (build.branch(), build.is_dirty());
        let is_known = commit.is_some() || branch.is_some() || dirty.is_some();
        is_known.then_some(Git { branch, commit, dirty })
    }
}

impl Serialize for Info<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Info { identity, version, ref contributions } = *self;
        // What the program says about itself is better known.
        let shows = |key: &str| {
            identity.shows(key) && !contributions.iter().any(|(contributed, _)| *contributed == key)
        };
        let mut map = serializer.serialize_map(None)?;
        if shows("app") {
            map.serialize_entry("app", &App { name: identity.service_name(), version })?;
        }
        if let Some(build) = self.build().filter(|_| shows("build")) {
            map.serialize_entry("build", &build)?;
        }
        if let Some(git) = self.git().filter(|_| shows("git")) {
            map.serialize_entry("git", &git)?;
        }
        if shows("os") {
            map.serialize_entry("os", &identity.platform.os)?;
        }
        if shows("process") {
            map.serialize_entry("process", &identity.platform.process)?;
        }
        let attributes = identity.shown(version);
        if !attributes.is_empty() {
            map.serialize_entry(ATTRIBUTES, &attributes)?;
        }
        for (key, value) in contributions {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}
