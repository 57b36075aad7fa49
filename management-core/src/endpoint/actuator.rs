//! Health as Spring Boot's Actuator writes it. `status` is the first key.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::{Map, Value};

use super::json::to_bytes;
use crate::check::status::Status;
use crate::line::milliseconds;
use crate::report::component::Component;
use crate::report::health_report::HealthReport;
use crate::report::json::shown_details;
use crate::text::json::Json;

/// A version of Actuator's API.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Version {
    V2,
    V3,
}

impl Version {
    /// The key of the components of a composite.
    fn components(self) -> &'static str {
        match self {
            Version::V2 => "details",
            Version::V3 => "components",
        }
    }
}

/// `{"status":…,"groups":[…],"components":{…}}`
pub(super) fn report(
    report: &HealthReport,
    details: bool,
    groups: &[&str],
    version: Version,
) -> Bytes {
    to_bytes(&Report { report, details, groups, version })
}

/// One check.
pub(super) fn component(component: &Component, details: bool, version: Version) -> Bytes {
    to_bytes(&Part { component, details, version })
}

struct Report<'a> {
    report: &'a HealthReport,
    details: bool,
    groups: &'a [&'a str],
    version: Version,
}

impl Serialize for Report<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Report { report, details, groups, version } = *self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("status", &report.status())?;
        if !groups.is_empty() {
            map.serialize_entry("groups", groups)?;
        }
        let part = |component| Part { component, details, version };
        let parts: BTreeMap<_, _> =
            report.components().iter().map(|one| (one.name(), part(one))).collect();
        map.serialize_entry(version.components(), &parts)?;
        map.end()
    }
}

/// A check is a leaf, and a service dependency with components is a composite, which has no details of its own.
struct Part<'a> {
    component: &'a Component,
    details: bool,
    version: Version,
}

impl Serialize for Part<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Part { component, details, version } = *self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("status", &component.status())?;
        if let Some(components) = component.health().components() {
            let shown = if details { &components.detailed } else { &components.plain };
            map.serialize_entry(version.components(), &parts(shown, version))?;
        } else if details {
            map.serialize_entry("details", &leaf(component))?;
        }
        map.end()
    }
}

/// Everything that is known of a check. What the check says itself comes first if a key is taken.
fn leaf(component: &Component) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    if let (Some(at), Some(duration)) = (component.checked_at(), component.duration()) {
        all.insert("checkedAt".into(), humantime::format_rfc3339_millis(at).to_string().into());
        all.insert("durationMs".into(), milliseconds(duration).into());
    }
    all.insert("failures".into(), component.failures().into());
    all.insert("stale".into(), component.is_stale().into());
    let own = shown_details(component);
    all.extend(own.into_iter().map(|(key, value)| (key.into_owned(), value.into_owned())));
    all
}

/// The components of a service dependency, which are in our own format.
fn parts(components: &Json, version: Version) -> BTreeMap<String, Nested> {
    let components: BTreeMap<String, Map<String, Value>> =
        serde_json::from_str(components.get()).unwrap_or_default();
    let nested = |(name, component)| (name, Nested { component, version });
    components.into_iter().map(nested).collect()
}

struct Nested {
    component: Map<String, Value>,
    version: Version,
}

impl Serialize for Nested {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let status = self.component.get("status").and_then(Value::as_str);
        map.serialize_entry("status", status.unwrap_or(Status::Unknown.as_str()))?;
        if let Some(Value::Object(components)) = self.component.get("components") {
            let nested = |component: &Value| Nested {
                component: component.as_object().cloned().unwrap_or_default(),
                version: self.version,
            };
            let parts: BTreeMap<_, _> =
                components.iter().map(|(name, value)| (name, nested(value))).collect();
            map.serialize_entry(self.version.components(), &parts)?;
        } else if let Some(details) = self.component.get("details") {
            map.serialize_entry("details", details)?;
        }
        map.end()
    }
}
