//! Reads the components of a dependency, and writes them anew.
//!
//! Only statuses, names of components and details are kept.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::to_raw_value;
use serde_json::{Map, Value};

use super::word::status_named;
use crate::check::health::Components;
use crate::check::status::Status;
use crate::dependency::MAX_BODY_BYTES;
use crate::line::line;
use crate::text;
use crate::text::json;
use crate::text::secret::is_secret;

/// How deep components can be nested in components, and details in details. Deeper ones are left out.
pub(super) const MAX_LEVELS: usize = 8;

/// The components of a body, if there are any.
pub(super) fn components(root: &Map<String, Value>) -> Option<Components> {
    let parts = parts(root, MAX_LEVELS);
    if parts.is_empty() {
        return None;
    }
    let write = |details| {
        let json = to_raw_value(&Parts { parts: &parts, details }).ok()?;
        (json.get().len() <= MAX_BODY_BYTES).then_some(json)
    };
    let Some(plain) = write(false) else {
        line!(
            DEBUG,
            [limit_bytes = MAX_BODY_BYTES],
            "the components of a dependency are longer than {} KiB and are left out",
            MAX_BODY_BYTES / 1024
        );
        return None;
    };
    let detailed = write(true).unwrap_or_else(|| plain.clone());
    Some(Components { plain, detailed })
}

/// One component of a dependency.
struct Part {
    status: Status,
    parts: BTreeMap<String, Part>,
    details: Map<String, Value>,
}

/// The components of an object, down to `levels` levels.
fn parts(object: &Map<String, Value>, levels: usize) -> BTreeMap<String, Part> {
    if levels == 0 {
        return BTreeMap::new();
    }
    let component = |value: &Value| Some(part(value.as_object()?, levels));
    if let Some(Value::Object(components)) = object.get("components") {
        return named(components, component);
    }
    if let Some(Value::Object(checks)) = object.get("checks") {
        return named(checks, measured);
    }
    // In Spring Boot 2.0 and 2.1, the details of Actuator are either components or details.
    match object.get("details") {
        Some(Value::Object(details)) if are_components(details) => named(details, component),
        _ => BTreeMap::new(),
    }
}

/// The parts of an object, with tidy names. If two names become the same, the worse part is kept.
fn named(
    values: &Map<String, Value>,
    part: impl Fn(&Value) -> Option<Part>,
) -> BTreeMap<String, Part> {
    let mut parts = BTreeMap::new();
    for (name, value) in values {
        let Some(part) = part(value) else { continue };
        match parts.entry(text::tidy(name)) {
            Entry::Vacant(entry) => {
                entry.insert(part);
            }
            Entry::Occupied(mut entry) => {
                let kept: &mut Part = entry.get_mut();
                if kept.status < part.status {
                    *kept = part;
                }
            }
        }
    }
    parts
}

fn are_components(details: &Map<String, Value>) -> bool {
    !details.is_empty() && details.values().all(|value| status_of(value).is_some())
}

fn status_of(value: &Value) -> Option<Status> {
    let word = value.get("status")?.as_str()?;
    Some(status_named(word).unwrap_or(Status::Unknown))
}

fn part(object: &Map<String, Value>, levels: usize) -> Part {
    let word = object.get("status").and_then(Value::as_str);
    let details = match object.get("details") {
        Some(Value::Object(details)) if !are_components(details) => pruned_map(details, MAX_LEVELS),
        _ => Map::new(),
    };
    Part {
        status: word.and_then(status_named).unwrap_or(Status::Unknown),
        parts: parts(object, levels - 1),
        details,
    }
}

/// A key of `checks` in `application/health+json`. Its status is the worst of its measurements, and its details are those
/// of the first one.
fn measured(value: &Value) -> Option<Part> {
    let entries = value.as_array()?;
    let status = entries.iter().map(|entry| status_of(entry).unwrap_or(Status::Up)).max()?;
    let details = entries.first()?.as_object().map(|entry| {
        let mut details = pruned_map(entry, MAX_LEVELS);
        details.remove("status");
        details
    });
    Some(Part { status, parts: BTreeMap::new(), details: details.unwrap_or_default() })
}

/// The value without the levels below `levels`, and with tidy keys and texts, which are short and have no credentials.
fn pruned(value: &Value, levels: usize) -> Option<Value> {
    Some(match value {
        Value::Object(_) | Value::Array(_) if levels == 0 => return None,
        Value::Object(map) => Value::Object(pruned_map(map, levels)),
        Value::Array(values) => {
            Value::Array(values.iter().filter_map(|value| pruned(value, levels - 1)).collect())
        }
        Value::String(text) => Value::String(text::tidy(text)),
        other => other.clone(),
    })
}

fn pruned_map(map: &Map<String, Value>, levels: usize) -> Map<String, Value> {
    let kept = |(key, value): (&String, &Value)| {
        let mut value = pruned(value, levels - 1)?;
        if is_secret(key) {
            json::hide(&mut value);
        }
        Some((text::tidy(key), value))
    };
    map.iter().filter_map(kept).collect()
}

struct Parts<'a> {
    parts: &'a BTreeMap<String, Part>,
    details: bool,
}

impl Serialize for Parts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Shown<'a>(&'a Part, bool);
        impl Serialize for Shown<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let Shown(part, details) = *self;
                let mut map = serializer.serialize_map(None)?;
                map.serialize_entry("status", &part.status)?;
                if !part.parts.is_empty() {
                    map.serialize_entry("components", &Parts { parts: &part.parts, details })?;
                }
                if details && !part.details.is_empty() {
                    map.serialize_entry("details", &part.details)?;
                }
                map.end()
            }
        }
        serializer
            .collect_map(self.parts.iter().map(|(name, part)| (name, Shown(part, self.details))))
    }
}
