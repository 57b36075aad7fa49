//! Components as JSON. `status` is their first key.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

use crate::report::component::Component;

/// With details.
impl Serialize for Component {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        ComponentJson { component: self, details: true }.serialize(serializer)
    }
}

/// The components of a report by name, with or without their details.
pub(crate) struct Components<'a> {
    pub(crate) components: &'a [Component],
    pub(crate) details: bool,
}

impl Serialize for Components<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let details = self.details;
        let json = |component| ComponentJson { component, details };
        serializer.collect_map(self.components.iter().map(|part| (part.name(), json(part))))
    }
}

/// One component by itself, with or without its details.
pub(crate) struct ComponentJson<'a> {
    pub(crate) component: &'a Component,
    pub(crate) details: bool,
}

impl Serialize for ComponentJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let component = self.component;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("status", &component.status())?;
        if let Some(components) = component.health().components() {
            let shown = if self.details { &components.detailed } else { &components.plain };
            map.serialize_entry("components", shown)?;
        }
        if self.details {
            details(component, &mut map)?;
        }
        map.end()
    }
}

/// The details of a check, its reason and its URL.
pub(crate) fn shown_details(component: &Component) -> BTreeMap<Cow<'_, str>, Cow<'_, Value>> {
    let health = component.health();
    let own = health.details().iter();
    let mut details: BTreeMap<_, _> =
        own.map(|(key, value)| (Cow::from(key), Cow::Borrowed(value))).collect();
    let reason = health.reason().map(|reason| Cow::Owned(reason.into()));
    details.extend(reason.map(|reason| (reason_key(health.details()), reason)));
    details.extend(component.url().map(|url| (Cow::from("url"), Cow::Owned(url.into()))));
    details
}

fn details<M: SerializeMap>(component: &Component, map: &mut M) -> Result<(), M::Error> {
    let details = shown_details(component);
    if !details.is_empty() {
        map.serialize_entry("details", &details)?;
    }
    if let (Some(at), Some(duration)) = (component.checked_at(), component.duration()) {
        let at = humantime::format_rfc3339_millis(at).to_string();
        map.serialize_entry("checkedAt", &at)?;
        map.serialize_entry("durationMs", &duration.as_millis())?;
    }
    map.serialize_entry("failures", &component.failures())?;
    map.serialize_entry("stale", &component.is_stale())
}

/// The key of the reason, which replaces no detail of the check.
fn reason_key(details: &Map<String, Value>) -> Cow<'static, str> {
    // Actuator uses the first key for the text of an exception.
    let keys = ["error", "reason"].into_iter().map(Cow::from);
    let others = (2..).map(|number: u64| Cow::from(format!("reason{number}")));
    let mut keys = keys.chain(others).filter(|key| !details.contains_key(&**key));
    keys.next().expect("numbers are unlimited, details are not")
}
