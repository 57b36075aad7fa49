//! The reserved names and keys. `management-core` reads these lists through `__reserved_names!` and
//! `__reserved_info_keys!`.

/// The names that no check and no group can have. Each is a path under `/health` with another meaning, now or in a
/// later version.
pub(crate) const NAMES: &[&str] =
    &[".", "..", "liveness", "readiness", "startup", "ping", "events", "availability", "runtime"];

/// The keys that no info contributor can have: those that `/info` always contains, and `trace`, their parent.
pub(crate) const INFO_KEYS: &[&str] = &["app", "build", "trace", "trace.attributes"];

#[cfg(test)]
mod tests {
    use super::*;

    /// The list as a sentence contains it: not `a`, `b` or `c`.
    fn as_prose(reserved: &[&str]) -> String {
        let quoted: Vec<_> = reserved.iter().map(|name| format!("`{name}`")).collect();
        let (last, others) = quoted.split_last().expect("a list");
        format!("not {} or {last}.", others.join(", "))
    }

    #[test]
    fn the_docs_list_all_of_them() {
        for (file, docs, reserved) in [
            ("check.md", include_str!("../docs/check.md"), NAMES),
            ("info_contributor.md", include_str!("../docs/info_contributor.md"), INFO_KEYS),
        ] {
            let docs = docs.split_whitespace().collect::<Vec<_>>().join(" ");
            let expected = as_prose(reserved);
            assert!(docs.contains(&expected), "{file} does not contain: {expected}");
        }
    }
}
