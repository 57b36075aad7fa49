//! Bodies as JSON. `status` is their first key.

use bytes::Bytes;
use http::StatusCode;
use serde::Serialize;

use crate::check::status::Status;
use crate::report::component::Component;
use crate::report::health_group::CustomGroups;
use crate::report::health_report::HealthReport;
use crate::report::json::{ComponentJson, Components};

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
