//! What a dependency says of itself, read without trusting it.
//!
//! Understood are Spring Boot Actuator's bodies of both shapes, our own, `application/health+json` and
//! a plain word, whatever media type they are sent as. Statuses, names of components and details are taken out and written anew; all the
//! rest is dropped.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::to_raw_value;
use serde_json::{Map, Value};

use super::LONGEST_BODY;
use crate::check::health::Components;
use crate::check::status::Status;
use crate::line::line;
use crate::text;
use crate::text::json;
use crate::text::secret::is_secret;
use crate::text::strict;

/// How deep components may lie in components, and details in details.
const LEVELS: usize = 8;

/// What a body says.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) status: Status,
    /// The status in its own word, for the log.
    pub(super) word: String,
    pub(super) components: Option<Components>,
}

/// Reads a body, or says why it is no health.
///
/// The body counts, whatever its media type: hand-written endpoints often send JSON as `text/html`. The
/// media type only words the complaint.
pub(super) fn read(media_type: Option<&str>, body: &[u8]) -> Result<Said, String> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let body = str::from_utf8(body).map_err(|_| "its answer is no UTF-8".to_owned())?.trim();
    if body.is_empty() {
        return Err("its answer is empty".into());
    }
    if let Some(status) = status_named(body) {
        return Ok(Said { status, word: body.into(), components: None });
    }
    let value = strict::from_str(body).map_err(|why| {
        if is_json(media_type) || body.starts_with(['{', '[', '"']) {
            format!("its answer is no JSON that could be read: {}", text::verbatim(why))
        } else if body.starts_with('<') {
            "its answer is a page, such as HTML, and not JSON: check the path of its health endpoint".into()
        } else {
            "its answer is no word for a health".into()
        }
    })?;
    let Value::Object(root) = value else {
        return Err(format!("its answer is {}, and no JSON object", kind_of(&value)));
    };
    let Some(word) = root.get("status").and_then(Value::as_str) else {
        return Err("its answer has no `status` at the top that is a text".into());
    };
    let status = status_named(word).unwrap_or(Status::Unknown);
    // Of what it says freely, nothing is passed on.
    let is_word = |word: &str| {
        (1..=32).contains(&word.len())
            && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
    };
    let word = if is_word(word) { word } else { "another status" };
    Ok(Said { status, word: word.into(), components: components(&root) })
}

/// Whether a `Content-Type` promises JSON.
fn is_json(media_type: Option<&str>) -> bool {
    let essence = media_type.unwrap_or_default().split(';').next().unwrap_or_default();
    let essence = essence.trim().to_ascii_lowercase();
    essence.ends_with("/json") || essence.ends_with("+json")
}

/// The status that a word stands for: Actuator's and ours, those of `application/health+json` with its
/// aliases, and what plain health checks say.
fn status_named(word: &str) -> Option<Status> {
    Some(match &*word.trim().to_ascii_uppercase() {
        "UP" | "PASS" | "OK" | "HEALTHY" => Status::Up,
        "DEGRADED" | "WARN" => Status::Degraded,
        "UNKNOWN" => Status::Unknown,
        "OUT_OF_SERVICE" => Status::OutOfService,
        "DOWN" | "FAIL" | "ERROR" | "UNHEALTHY" => Status::Down,
        _ => return None,
    })
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "`null`",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a JSON text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

fn components(root: &Map<String, Value>) -> Option<Components> {
    let parts = parts(root, LEVELS);
    if parts.is_empty() {
        return None;
    }
    let written = |details| {
        let json = to_raw_value(&Parts { parts: &parts, details }).ok()?;
        (json.get().len() <= LONGEST_BODY).then_some(json)
    };
    let Some(plain) = written(false) else {
        line!(DEBUG, "a dependency's components are left out: they are longer than 64 KiB");
        return None;
    };
    let detailed = written(true).unwrap_or_else(|| plain.clone());
    Some(Components { plain, detailed })
}

/// One component of a dependency.
struct Part {
    status: Status,
    parts: BTreeMap<String, Part>,
    details: Map<String, Value>,
}

/// The components of an object, and theirs, as deep as `levels`.
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
    // Actuator of Spring Boot 2.0 and 2.1, where details may be either.
    match object.get("details") {
        Some(Value::Object(details)) if are_components(details) => named(details, component),
        _ => BTreeMap::new(),
    }
}

/// The parts that values are, under names fit for a line. Of two whose names become alike by that, the
/// worse is kept.
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
        Some(Value::Object(details)) if !are_components(details) => pruned_map(details, LEVELS),
        _ => Map::new(),
    };
    Part {
        status: word.and_then(status_named).unwrap_or(Status::Unknown),
        parts: parts(object, levels - 1),
        details,
    }
}

/// A key of `checks` in `application/health+json`: as bad as the worst of its measurements, and with
/// all else that the first of them says as details.
fn measured(value: &Value) -> Option<Part> {
    let entries = value.as_array()?;
    let status = entries.iter().map(|entry| status_of(entry).unwrap_or(Status::Up)).max()?;
    let details = entries.first()?.as_object().map(|entry| {
        let mut details = pruned_map(entry, LEVELS);
        details.remove("status");
        details
    });
    Some(Part { status, parts: BTreeMap::new(), details: details.unwrap_or_default() })
}

/// Without what lies deeper than `levels`, and with keys and texts that are short and have no credentials.
fn pruned(value: &Value, levels: usize) -> Option<Value> {
    Some(match value {
        Value::Object(_) | Value::Array(_) if levels == 0 => return None,
        Value::Object(map) => Value::Object(pruned_map(map, levels)),
        Value::Array(values) => {
            Value::Array(values.iter().filter_map(|value| pruned(value, levels - 1)).collect())
        }
        Value::String(said) => Value::String(text::tidy(said)),
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

#[cfg(test)]
mod tests;
