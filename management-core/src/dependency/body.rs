//! Reads the body of a dependency's answer, which is not trusted.
//!
//! The known formats are both of Spring Boot Actuator, that of this library, `application/health+json` and a plain word.
//! The media type does not matter.

mod components;
mod word;

use serde_json::Value;

use crate::check::health::Components;
use crate::check::status::Status;
use crate::text;
use crate::text::strict;
use components::components;
use word::status_named;

/// The content of a body.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) status: Status,
    /// The dependency's word for the status, unless it is longer than a word or has other characters.
    pub(super) word: Option<String>,
    pub(super) components: Option<Components>,
}

/// Reads a body. The error describes a body that is not a health.
///
/// The media type only affects the error, because hand-written endpoints often send JSON as `text/html`.
pub(super) fn read(media_type: Option<&str>, body: &[u8]) -> Result<Body, String> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let body = str::from_utf8(body).map_err(|_| "its answer is not UTF-8".to_owned())?.trim();
    if body.is_empty() {
        return Err("its answer is empty".into());
    }
    if let Some(status) = status_named(body) {
        return Ok(Body { status, word: Some(body.into()), components: None });
    }
    let value = strict::from_str(body).map_err(|why| {
        if is_json(media_type) || body.starts_with(['{', '[', '"']) {
            format!("its answer is not valid JSON: {}", text::verbatim(why))
        } else if body.starts_with('<') {
            "its answer is a page such as HTML instead of JSON: check the path of its health endpoint".into()
        } else {
            "its answer is not a health: it must be JSON, or a word such as `UP`".into()
        }
    })?;
    let Value::Object(root) = value else {
        return Err(format!("its answer is {}, but must be a JSON object", kind_of(&value)));
    };
    let Some(word) = root.get("status").and_then(Value::as_str) else {
        return Err("its answer has no top-level `status` that is a string".into());
    };
    let status = status_named(word).unwrap_or(Status::Unknown);
    // Any other text could contain secrets or control characters.
    let is_word = |word: &str| {
        (1..=32).contains(&word.len())
            && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
    };
    let word = is_word(word).then(|| word.to_owned());
    Ok(Body { status, word, components: components(&root) })
}

/// Whether a `Content-Type` is one of JSON.
fn is_json(media_type: Option<&str>) -> bool {
    let essence = media_type.unwrap_or_default().split(';').next().unwrap_or_default();
    let essence = essence.trim().to_ascii_lowercase();
    essence.ends_with("/json") || essence.ends_with("+json")
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "`null`",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a JSON string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests;
