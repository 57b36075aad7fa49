//! Converts the attributes for OpenTelemetry's SDK.

use std::borrow::Cow;
use std::collections::BTreeMap;

use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;
use serde_json::Value;

/// A resource with these attributes only, without those that the SDK detects.
pub(crate) fn resource(attributes: BTreeMap<Cow<'static, str>, Value>) -> Resource {
    let attributes = attributes.into_iter().map(|(key, value)| KeyValue::new(key, otel(value)));
    Resource::builder_empty().with_attributes(attributes).build()
}

fn otel(value: Value) -> opentelemetry::Value {
    match value {
        Value::String(text) => text.into(),
        Value::Bool(bool) => bool.into(),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => integer.into(),
            (None, Some(float)) => float.into(),
            (None, None) => number.to_string().into(),
        },
        other => other.to_string().into(),
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::{Key, Value as Otel};
    use serde_json::json;

    use super::*;

    #[test]
    fn types_are_kept() {
        let resource = resource(BTreeMap::from([
            ("service.name".into(), json!("orders")),
            ("process.pid".into(), json!(42)),
            ("share".into(), json!(0.5)),
            ("on".into(), json!(true)),
            ("list".into(), json!([1, 2])),
        ]));
        let get = |key: &'static str| resource.get(&Key::from_static_str(key));
        assert_eq!(get("service.name"), Some(Otel::from("orders")));
        assert_eq!(get("process.pid"), Some(Otel::I64(42)));
        assert_eq!(get("share"), Some(Otel::F64(0.5)));
        assert_eq!(get("on"), Some(Otel::Bool(true)));
        assert_eq!(get("list"), Some(Otel::from("[1,2]")));
        assert_eq!(resource.len(), 5, "the SDK must not add its own");
    }
}
