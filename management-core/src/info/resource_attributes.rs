//! The attributes of the environment variable `OTEL_RESOURCE_ATTRIBUTES`.

use std::collections::BTreeMap;

use crate::config::environment::Environment;
use crate::line::line;
use crate::text;
use crate::text::mask::MASK;
use crate::text::secret::Names;

const VARIABLE: &str = "OTEL_RESOURCE_ATTRIBUTES";

/// The attributes of the variable, masked and tidy.
pub(super) fn read(environment: &Environment, secrets: &Names) -> BTreeMap<String, String> {
    let list = environment.get(VARIABLE).unwrap_or_default();
    parse(&list, secrets).unwrap_or_else(|why| {
        // The specification requires that the whole variable is ignored. The line does not contain its value, which may
        // have secrets.
        line!(
            WARN,
            [variable = VARIABLE, error = why.to_string()],
            "{VARIABLE} is ignored: {why}; write a list such as `key=value,other=1%2C2`, with `,` \
             and `%` percent-encoded"
        );
        BTreeMap::new()
    })
}

fn parse(list: &str, secrets: &Names) -> Result<BTreeMap<String, String>, String> {
    let mut attributes = BTreeMap::new();
    for (index, member) in list.split(',').enumerate() {
        if member.trim().is_empty() {
            continue;
        }
        let number = index + 1;
        let (key, value) =
            member.split_once('=').ok_or_else(|| format!("member {number} has no `=`"))?;
        let decoded = |text: &str, what| {
            decode(text.trim()).ok_or_else(|| {
                format!("the {what} of member {number} is not percent-encoded UTF-8")
            })
        };
        let (key, value) = (decoded(key, "key")?, decoded(value, "value")?);
        if key.is_empty() {
            return Err(format!("member {number} has no key"));
        }
        let value = if secrets.have(&key) { MASK.into() } else { text::tidy_with(secrets, value) };
        if !value.is_empty() {
            attributes.insert(text::tidy(key), value);
        }
    }
    Ok(attributes)
}

fn decode(text: &str) -> Option<String> {
    let digits = |escape: &str| escape.bytes().take(2).filter(u8::is_ascii_hexdigit).count();
    if text.split('%').skip(1).any(|escape| digits(escape) != 2) {
        return None;
    }
    let decoded = percent_encoding::percent_decode_str(text).decode_utf8().ok()?;
    Some(decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_that_can_be_read() {
        for (list, attributes) in [
            ("", &[][..]),
            ("a=1", &[("a", "1")]),
            (" a = 1 , b=2,, ", &[("a", "1"), ("b", "2")]),
            ("a=1,a=2", &[("a", "2")]),
            ("a=x%2Cy%3Dz", &[("a", "x,y=z")]),
            ("a%20b=%c3%bc%25", &[("a b", "ü%")]),
            ("a=x=y", &[("a", "x=y")]),
            ("a=1+1", &[("a", "1+1")]),
            ("a=,b=2", &[("b", "2")]),
            ("a=two%0Alines", &[("a", "two lines")]),
            (
                "db.password=x,url=http://u:p@h/",
                &[("db.password", "***"), ("url", "http://***@h/")],
            ),
        ] {
            let attributes =
                attributes.iter().map(|&(key, value)| (key.into(), value.into())).collect();
            assert_eq!(parse(list, &Names::default()), Ok(attributes), "{list}");
        }
    }

    #[test]
    fn a_list_with_a_mistake_is_not_taken_at_all() {
        for (list, why) in [
            ("a=1,b", "member 2 has no `=`"),
            ("a=1,,=3", "member 3 has no key"),
            ("a=%zz", "the value of member 1 is not percent-encoded UTF-8"),
            ("a=1%", "the value of member 1 is not percent-encoded UTF-8"),
            ("a=%2", "the value of member 1 is not percent-encoded UTF-8"),
            ("a=%ff", "the value of member 1 is not percent-encoded UTF-8"),
            ("a%2=x", "the key of member 1 is not percent-encoded UTF-8"),
        ] {
            assert_eq!(parse(list, &Names::default()), Err(why.into()), "{list}");
            let environment = Environment::from([(VARIABLE, list)]);
            assert!(read(&environment, &Names::default()).is_empty());
        }
    }
}
