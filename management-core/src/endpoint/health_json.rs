//! Health as of draft-inadarei-api-health-check-06, `application/health+json`. `status` is the first key.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::StatusCode;
use serde::Serialize;

use super::json::to_bytes;
use crate::check::kind::CheckKind;
use crate::check::status::Status;
use crate::report::component::Component;

/// A status of the draft.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    Pass,
    Warn,
    Fail,
}

impl Word {
    /// The status of the whole. The draft demands a code below 400 for `pass` and `warn`, and one above for `fail`, so the
    /// code decides.
    fn of_whole(status: Status, code: StatusCode) -> Self {
        match status {
            _ if code != StatusCode::OK => Word::Fail,
            Status::Up => Word::Pass,
            _ => Word::Warn,
        }
    }

    /// The status of a check in an answer with this code.
    fn of_check(status: Status, code: StatusCode) -> Self {
        match status {
            Status::Up => Word::Pass,
            Status::Degraded => Word::Warn,
            // A client that takes it for a failure would contradict the answer.
            Status::Unknown if code == StatusCode::OK => Word::Warn,
            Status::Unknown | Status::OutOfService | Status::Down => Word::Fail,
        }
    }
}

#[derive(Serialize)]
struct Whole<'a> {
    status: Word,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    checks: BTreeMap<String, [Entry<'a>; 1]>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    status: Word,
    #[serde(skip_serializing_if = "Option::is_none")]
    component_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    observed_value: Option<u128>,
    #[serde(skip_serializing_if = "Option::is_none")]
    observed_unit: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    /// Left out if the check passes.
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<&'a str>,
}

/// `{"status":…,"checks":{"db:responseTime":[{…}]}}`
pub(super) fn report<'a>(
    status: Status,
    components: impl IntoIterator<Item = &'a Component>,
    details: bool,
    code: StatusCode,
) -> Bytes {
    let entry = |component| entry(component, details, code);
    let checks = components.into_iter().map(entry).collect();
    to_bytes(&Whole { status: Word::of_whole(status, code), checks })
}

fn entry(component: &Component, details: bool, code: StatusCode) -> (String, [Entry<'_>; 1]) {
    let duration = component.duration().filter(|_| details);
    let measurement = if duration.is_some() { ":responseTime" } else { "" };
    // A key has at most one colon.
    let key = format!("{}{measurement}", component.name().replace(':', "%3A"));
    let status = Word::of_check(component.status(), code);
    let output = component.health().reason().filter(|_| details && status != Word::Pass);
    let time = component.checked_at().filter(|_| details);
    let entry = Entry {
        status,
        component_type: (component.kind() == CheckKind::Dependency).then_some("component"),
        observed_value: duration.map(|duration| duration.as_millis()),
        observed_unit: duration.map(|_| "ms"),
        time: time.map(|time| humantime::format_rfc3339_millis(time).to_string()),
        output,
    };
    (key, [entry])
}
