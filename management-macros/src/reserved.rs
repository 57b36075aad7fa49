//! The names and keys that nobody may take: the one list of them, which `management-core` reads through
//! `__reserved_names!` and `__reserved_info_keys!`.

/// What no check and no group can be called: what a path under `/health` means, or is to mean.
pub(crate) const NAMES: &[&str] =
    &[".", "..", "liveness", "readiness", "startup", "ping", "events", "availability", "runtime"];

/// The keys that `/info` has by itself, and the group of one of them.
pub(crate) const INFO_KEYS: &[&str] = &["app", "build", "trace", "trace.attributes"];

#[cfg(test)]
mod tests {
    use super::*;

    /// The list as prose has it: `a`, `b` or `c`.
    fn told(reserved: &[&str]) -> String {
        let quoted: Vec<_> = reserved.iter().map(|name| format!("`{name}`")).collect();
        let (last, others) = quoted.split_last().expect("a list");
        format!("not {} or {last}.", others.join(", "))
    }

    #[test]
    fn the_docs_have_all_of_them() {
        for (file, docs, reserved) in [
            ("health_check.md", include_str!("../docs/health_check.md"), NAMES),
            ("liveness_check.md", include_str!("../docs/liveness_check.md"), NAMES),
            ("readiness_check.md", include_str!("../docs/readiness_check.md"), NAMES),
            ("startup_check.md", include_str!("../docs/startup_check.md"), NAMES),
            ("info_contributor.md", include_str!("../docs/info_contributor.md"), INFO_KEYS),
        ] {
            let docs = docs.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(docs.contains(&told(reserved)), "{file} is to say: {}", told(reserved));
        }
    }
}
