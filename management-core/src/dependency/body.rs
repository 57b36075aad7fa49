//! What a dependency says of itself, read without trusting it.
//!
//! Understood are Spring Boot Actuator's bodies of both shapes, our own, `application/health+json` and
//! a plain word. Statuses, names of components and details are taken out and written anew; all the
//! rest is dropped.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::to_raw_value;
use serde_json::{Map, Value};

use super::LONGEST_BODY;
use crate::health::Components;
use crate::status::Status;
use crate::text;

/// How deep components may lie in components, and details in details.
const LEVELS: usize = 8;

/// How deep JSON may be nested: components of eight levels with details of eight.
const NESTING: usize = 32;

/// What a body says.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) status: Status,
    /// The status in its own word, for the log.
    pub(super) word: String,
    pub(super) components: Option<Components>,
}

/// Reads a body of this media type, or says why it is no health.
pub(super) fn read(media_type: Option<&str>, body: &[u8]) -> Result<Said, String> {
    let media_type = media_type.map(|media_type| {
        media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    });
    match media_type.as_deref() {
        // Servers that say nothing of JSON often say that it is text.
        None | Some("" | "text/plain" | "application/json" | "text/json") => {}
        Some(other) if other.starts_with("application/") && other.ends_with("+json") => {}
        Some(other) => {
            let other = text::tidy(other);
            return Err(format!("its answer is `{other}`, and neither JSON nor plain text"));
        }
    }
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let body = str::from_utf8(body).map_err(|_| "its answer is no UTF-8".to_owned())?.trim();
    if body.is_empty() {
        return Err("its answer is empty".into());
    }
    if let Some(status) = status_named(body) {
        return Ok(Said { status, word: body.into(), components: None });
    }
    let mut reader = serde_json::Deserializer::from_str(body);
    let value = Strict { nesting: NESTING }
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value))
        .map_err(|why| match media_type.as_deref() {
            Some("text/plain") | None if !body.starts_with(['{', '[']) => {
                format!("its answer is no word for a health: {}", text::tidy(first_line(body)))
            }
            _ => format!("its answer is no JSON that could be read: {}", text::tidy(why)),
        })?;
    let Value::Object(root) = value else {
        return Err(format!("its answer is {}, and no JSON object", kind_of(&value)));
    };
    let Some(word) = root.get("status").and_then(Value::as_str) else {
        return Err("its answer has no `status` at the top that is a text".into());
    };
    let status = status_named(word).unwrap_or(Status::Unknown);
    Ok(Said { status, word: text::tidy(word), components: components(&root) })
}

fn first_line(body: &str) -> String {
    body.lines().next().unwrap_or_default().chars().take(80).collect()
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
    let plain = written(false)?;
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
    if let Some(Value::Object(components)) = object.get("components") {
        return components
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), part(value.as_object()?, levels))))
            .collect();
    }
    if let Some(Value::Object(checks)) = object.get("checks") {
        return checks
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), measured(value)?)))
            .collect();
    }
    // Actuator of Spring Boot 2.0 and 2.1, where details may be either.
    match object.get("details") {
        Some(Value::Object(details)) if are_components(details) => details
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), part(value.as_object()?, levels))))
            .collect(),
        _ => BTreeMap::new(),
    }
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

/// Without what lies deeper than `levels`, and without credentials in texts.
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
    let kept = |(key, value): (&String, &Value)| Some((key.clone(), pruned(value, levels - 1)?));
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

/// JSON in which no key stands twice, since readers differ in which of the two they believe, and that
/// is nested no deeper than `nesting`.
#[derive(Clone, Copy)]
struct Strict {
    nesting: usize,
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Strict {
    fn inner<E: serde::de::Error>(self) -> Result<Strict, E> {
        match self.nesting.checked_sub(1) {
            Some(nesting) => Ok(Strict { nesting }),
            None => Err(E::custom(format_args!("it is nested deeper than {NESTING} levels"))),
        }
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut read = Vec::new();
        while let Some(value) = values.next_element_seed(inner)? {
            read.push(value);
        }
        Ok(Value::Array(read))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut read = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if read.contains_key(&key) {
                return Err(A::Error::custom(format_args!("the key {key:?} stands twice")));
            }
            read.insert(key, entries.next_value_seed(inner)?);
        }
        Ok(Value::Object(read))
    }
}
