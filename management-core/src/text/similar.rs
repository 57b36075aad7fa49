//! Messages about unknown names.

/// How many known names a message has room for.
const MAX_LISTED: usize = 10;

/// The known name that is most similar to `name`, if one is similar enough to have been meant.
///
/// A third of the characters may differ, and one character of a short name. Two characters that changed
/// places count as one difference.
pub(crate) fn most_similar<'a>(
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let name = name.to_lowercase();
    let length = name.chars().count();
    let distance = |known: &str| {
        let known = known.to_lowercase();
        let other = known.chars().count();
        let longer = other.max(length);
        let allowed = (longer / 3).max(1);
        // Names whose lengths differ by more need no comparison, however long they are.
        (longer > 1 && other.abs_diff(length) <= allowed)
            .then(|| strsim::osa_distance(&name, &known))
            .filter(|distance| *distance <= allowed)
    };
    let known = known.into_iter().filter_map(|known| Some((distance(known)?, known)));
    known.min().map(|(_, known)| known)
}

/// Reports that a name is unknown, and suggests the most similar one or else lists the known ones: ``unknown
/// check `cahce`; did you mean `cache`?`` or ``unknown check `queue` (known: `cache`, `db`)``.
///
/// `known` is in the order in which it is to be listed.
pub(crate) fn unknown(what: &str, name: &str, known: &[&str]) -> String {
    match most_similar(name, known.iter().copied()) {
        Some(similar) => format!("unknown {what} `{name}`; did you mean `{similar}`?"),
        None => format!("unknown {what} `{name}` (known: {})", list(known)),
    }
}

/// As [`unknown`], followed by what to do about it.
pub(crate) fn unknown_with_remedy(what: &str, name: &str, known: &[&str], remedy: &str) -> String {
    let unknown = unknown(what, name, known);
    let separator = if unknown.ends_with('?') { " " } else { ". " };
    format!("{unknown}{separator}{remedy}")
}

/// Names in a message, which has no room for thousands.
fn list(names: &[&str]) -> String {
    let listed: Vec<_> = names.iter().take(MAX_LISTED).map(|name| format!("`{name}`")).collect();
    match names.len().saturating_sub(MAX_LISTED) {
        _ if names.is_empty() => "none".into(),
        0 => listed.join(", "),
        more => format!("{} and {more} more", listed.join(", ")),
    }
}

/// Shortens serde's error about an unknown key or variant, which lists every known one, to the most
/// similar one. An error that is about something else, or a name that is similar to none, stays as it is.
pub(crate) fn with_suggestion(error: String) -> String {
    // As `serde::de::Error::unknown_field` and `unknown_variant` word it, whatever the format.
    let parts = ["unknown field `", "unknown variant `"].into_iter().find_map(|begin| {
        let (before, rest) = error.split_once(begin)?;
        let (name, rest) = rest.split_once("`, expected ")?;
        Some((before, begin, name, rest))
    });
    let Some((before, begin, name, rest)) = parts else { return error };
    let known = rest.split('`').skip(1).step_by(2);
    let Some(similar) = most_similar(name, known) else { return error };
    // What follows the list, such as the line of a JSON text.
    let after = rest.rsplit_once('`').map_or("", |(_, after)| after);
    let what = if begin.contains("field") { "key" } else { "value" };
    format!("{before}unknown {what} `{name}`{after}; did you mean `{similar}`?")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_similar_name_is_suggested() {
        for (name, known, meant) in [
            ("db", &["bd", "cache"][..], "bd"),
            ("DB", &["db"], "db"),
            ("databse", &["database", "data", "base"], "database"),
            ("order-queue", &["order_queue", "other_queue"], "order_queue"),
            ("größe", &["groesse", "größen"], "größen"),
        ] {
            let similar = most_similar(name, known.iter().copied());
            assert_eq!(similar, Some(meant), "{name} of {known:?}");
        }
    }

    #[test]
    fn a_name_that_is_not_similar_is_not_suggested() {
        let long = "x".repeat(100_000);
        for (name, known) in [
            ("db", &["cache", "queue", "bds"][..]),
            ("", &["a"]),
            ("a", &["b"]),
            ("q", &[]),
            (&long, &["x"]),
        ] {
            assert_eq!(most_similar(name, known.iter().copied()), None, "{known:?}");
        }
    }

    #[test]
    fn an_unknown_name_is_explained() {
        let many: Vec<_> = (0..12).map(|number| format!("tenant-{number:02}")).collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        for (name, known, message) in [
            ("cahce", &["cache", "db"][..], "unknown check `cahce`; did you mean `cache`?"),
            ("queue", &["cache", "db"], "unknown check `queue` (known: `cache`, `db`)"),
            ("queue", &[], "unknown check `queue` (known: none)"),
        ] {
            assert_eq!(unknown("check", name, known), message);
        }
        assert_eq!(
            unknown_with_remedy("check", "cahce", &["cache"], "Register it."),
            "unknown check `cahce`; did you mean `cache`? Register it.",
        );
        assert_eq!(
            unknown_with_remedy("check", "db", &["cache"], "Register it."),
            "unknown check `db` (known: `cache`). Register it.",
        );
        assert!(unknown("check", "db", &many).ends_with("`tenant-08`, `tenant-09` and 2 more)"));
    }

    #[test]
    fn an_error_of_serde_suggests_a_key() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields, rename_all = "lowercase")]
        enum Level {
            Never,
            Always,
        }
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        #[expect(dead_code, reason = "only its keys are read")]
        struct Keys {
            timeout: Option<u8>,
            level: Option<Level>,
        }
        for (json, message) in [
            (
                r#"{"timeuot": 1}"#,
                "unknown key `timeuot` at line 1 column 10; did you mean `timeout`?",
            ),
            (
                r#"{"level": "nevr"}"#,
                "unknown value `nevr` at line 1 column 16; did you mean `never`?",
            ),
            (r#"{"x": 1}"#, "unknown field `x`, expected `timeout` or `level` at line 1 column 4"),
            (r#"{"timeout": ""}"#, "invalid type: string \"\", expected u8 at line 1 column 14"),
        ] {
            let error = serde_json::from_str::<Keys>(json).unwrap_err().to_string();
            assert_eq!(with_suggestion(error), message);
        }
    }
}
