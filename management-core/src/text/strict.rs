//! Reads JSON more strictly than its standard.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// How deep JSON may be nested. Eight levels of components with eight levels of details fit.
const MAX_NESTING: usize = 32;

/// `serde_json` reads a number as a map with this key if any crate of the program enables its feature
/// `arbitrary_precision`.
const NUMBER: &str = "$serde_json::private::Number";

/// Reads JSON. It fails if a key occurs twice, since readers differ in which one they use, or if the text is
/// nested deeper than [`MAX_NESTING`].
pub(crate) fn from_str(text: &str) -> serde_json::Result<Value> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Strict { nesting: MAX_NESTING }.deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

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
            None => Err(E::custom(format_args!("it is nested deeper than {MAX_NESTING} levels"))),
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
                return Err(A::Error::custom(format_args!("the key {key:?} occurs twice")));
            }
            read.insert(key, entries.next_value_seed(inner)?);
        }
        let number = match read.get(NUMBER) {
            Some(Value::String(digits)) if read.len() == 1 => digits.parse::<Number>().ok(),
            _ => None,
        };
        Ok(number.map_or(Value::Object(read), Value::Number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refuses(text: &str, why: &str) {
        let complaint = from_str(text).unwrap_err().to_string();
        assert!(complaint.contains(why), "{}: {complaint}", &text[..text.len().min(80)]);
    }

    #[test]
    fn keys_that_stand_twice() {
        refuses(r#"{"status":"UP","status":"DOWN"}"#, "the key \"status\" occurs twice");
        refuses(r#"{"status":"UP","st\u0061tus":"UP"}"#, "the key \"status\" occurs twice");
        refuses(
            r#"{"status":"UP","components":{"db":{"status":"UP"},"db":{"status":"DOWN"}}}"#,
            "the key \"db\" occurs twice",
        );
        refuses(r#"{"status":"UP","x":[{"a":1,"a":1}]}"#, "the key \"a\" occurs twice");
    }

    #[test]
    fn deep_nesting() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            for levels in [MAX_NESTING, 10_000] {
                let deep = format!("{}1{}", open.repeat(levels), close.repeat(levels));
                let body = format!("{{\"x\":{deep}}}");
                refuses(&body, "it is nested deeper than 32 levels");
            }
            let levels = MAX_NESTING - 1;
            let deep = format!("{}1{}", open.repeat(levels), close.repeat(levels));
            assert!(from_str(&format!("{{\"x\":{deep}}}")).is_ok());
        }
        refuses(&"[".repeat(60_000), "it is nested deeper than 32 levels");
    }

    #[test]
    fn numbers() {
        for text in ["0", "-1", "0.5", "18446744073709551615", "-9223372036854775808", "1e300"] {
            assert_eq!(from_str(text).unwrap(), text.parse::<Value>().unwrap(), "{text}");
        }
        refuses("1e999", "number out of range");
    }

    #[test]
    fn numbers_of_any_precision() {
        assert_eq!(from_str(&format!("{{\"{NUMBER}\":\"12\"}}")).unwrap(), 12);
        for none in ["twelve", "1e999", "NaN", "1 2", ""] {
            let text = format!("{{\"{NUMBER}\":\"{none}\"}}");
            assert!(from_str(&text).unwrap().is_object(), "{none}");
        }
    }
}
