//! Secrets in JSON, which are found by their keys.

use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

use crate::text::mask::{MASK, mask};
use crate::text::secret::Names;

/// JSON text, which keeps the order of a struct's fields.
pub type Json = Box<RawValue>;

/// Hides a secret: every value in it, except `null` and booleans.
pub(crate) fn hide(secret: &mut Value) {
    match secret {
        Value::Null | Value::Bool(_) => {}
        Value::Number(_) | Value::String(_) => *secret = MASK.into(),
        Value::Array(values) => values.iter_mut().for_each(hide),
        Value::Object(map) => map.values_mut().for_each(hide),
    }
}

/// Masks the secrets in texts, and the values of keys that the program has added. The usual keys do not count
/// here, since the program chose the names of its details.
pub(crate) fn mask_details(details: &mut Map<String, Value>, names: &Names) {
    for (key, value) in details {
        if names.have_added(key) {
            hide(value);
        } else {
            mask_value(value, names);
        }
    }
}

fn mask_value(value: &mut Value, names: &Names) {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
        Value::String(text) => *text = mask(text, names),
        Value::Array(values) => values.iter_mut().for_each(|value| mask_value(value, names)),
        Value::Object(map) => mask_details(map, names),
    }
}

/// Like [`mask_details`], for the components of a dependency, whose names are not keys.
pub(crate) fn mask_components(components: &mut Json, names: &Names) {
    let Ok(Value::Object(mut parts)) = serde_json::from_str(components.get()) else { return };
    mask_parts(&mut parts, names);
    if let Ok(masked) = to_raw_value(&parts) {
        *components = masked;
    }
}

fn mask_parts(parts: &mut Map<String, Value>, names: &Names) {
    for part in parts.values_mut() {
        if let Some(Value::Object(details)) = part.get_mut("details") {
            mask_details(details, names);
        }
        if let Some(Value::Object(parts)) = part.get_mut("components") {
            mask_parts(parts, names);
        }
    }
}
