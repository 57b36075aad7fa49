//! Bodies as JSON. `status` is their first key.

use bytes::Bytes;
use http::StatusCode;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use crate::check::status::Status;
use crate::info::identity::{ATTRIBUTES, Identity};
use crate::report::component::Component;
use crate::report::health_group::CustomGroups;
use crate::report::health_report::HealthReport;
use crate::report::json::{ComponentJson, Components};
use crate::text::json::Json;

/// `{"status":…}`
pub(super) fn status(status: Status) -> Bytes {
    Bytes::from_static(match status {
        Status::Up => br#"{"status":"UP"}"#,
        Status::Degraded => br#"{"status":"DEGRADED"}"#,
        Status::Unknown => br#"{"status":"UNKNOWN"}"#,
        Status::OutOfService => br#"{"status":"OUT_OF_SERVICE"}"#,
        Status::Down => br#"{"status":"DOWN"}"#,
    })
}

/// `{"status":…,"components":{name:{"status":…}},"groups":[…]}`
pub(super) fn report(report: &HealthReport, details: bool, groups: &CustomGroups) -> Bytes {
    #[derive(Serialize)]
    struct Report<'a> {
        status: Status,
        components: Components<'a>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        groups: Vec<&'a str>,
    }
    let groups = groups.keys().map(String::as_str).collect();
    let components = Components { components: report.components(), details };
    to_bytes(&Report { status: report.status(), components, groups })
}

/// One check.
pub(super) fn component(component: &Component, details: bool) -> Bytes {
    to_bytes(&ComponentJson { component, details })
}

/// `app`, `build`, `trace.attributes` and each contribution, as far as they are shown.
pub(super) fn info<'a>(
    identity: &Identity,
    version: Option<&str>,
    contributions: impl Iterator<Item = (&'a str, &'a Json)>,
) -> Bytes {
    #[derive(Serialize)]
    struct App<'a> {
        name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        version: Option<&'a str>,
    }
    /// Spring Boot Admin reads the version here.
    #[derive(Serialize)]
    struct Build<'a> {
        version: &'a str,
    }
    struct Info<'a> {
        identity: &'a Identity,
        version: Option<&'a str>,
        contributions: Vec<(&'a str, &'a Json)>,
    }
    impl Serialize for Info<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let Info { identity, version, contributions } = self;
            let mut map = serializer.serialize_map(None)?;
            if identity.shows("app") {
                let app = App { name: identity.service_name(), version: *version };
                map.serialize_entry("app", &app)?;
            }
            if let Some(version) = version.filter(|_| identity.shows("build")) {
                map.serialize_entry("build", &Build { version })?;
            }
            let attributes = identity.shown(*version);
            if !attributes.is_empty() {
                map.serialize_entry(ATTRIBUTES, &attributes)?;
            }
            for (key, value) in contributions {
                map.serialize_entry(key, value)?;
            }
            map.end()
        }
    }
    to_bytes(&Info { identity, version, contributions: contributions.collect() })
}

/// A problem as of RFC 9457, with the default `type`, `about:blank`.
pub(super) fn problem(code: StatusCode, detail: &str) -> Bytes {
    #[derive(Serialize)]
    struct Problem<'a> {
        status: u16,
        title: &'a str,
        detail: &'a str,
    }
    let title = code.canonical_reason().unwrap_or_default();
    to_bytes(&Problem { status: code.as_u16(), title, detail })
}

pub(super) fn to_bytes(body: &impl Serialize) -> Bytes {
    // It has string keys, and values that are JSON already.
    Bytes::from(serde_json::to_vec(body).expect("the body can be written as JSON"))
}
