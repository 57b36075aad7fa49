//! The rule for names of checks and groups and for info keys.
//!
//! `management-macros` has the same rule for names in attributes, and the lists of reserved names. `tests/names.rs`
//! compares the two rules.

use management_macros::{__reserved_info_keys, __reserved_names};

const MAX_CHARS: usize = 128;

/// The names that no check and no group can have.
pub const RESERVED_NAMES: &[&str] = &__reserved_names!();

/// The keys that no info contributor can have.
pub const RESERVED_INFO_KEYS: &[&str] = &__reserved_info_keys!();

/// The name of the component that shows whether the service accepts requests.
pub(crate) const AVAILABILITY: &str = "availability";

/// The name of the component that shows whether the application's runtime runs tasks in time.
pub(crate) const RUNTIME: &str = "runtime";

/// The names of components that no check provides.
pub(crate) const OWN_COMPONENTS: [&str; 2] = [AVAILABILITY, RUNTIME];

/// Why the name of a check or a group is invalid, if it is. A message puts this after the name.
pub(crate) fn complaint(name: &str) -> Option<String> {
    if name.contains('/') {
        return Some("contains a `/`, but must be one segment of a URL path".into());
    }
    complaint_with(name, RESERVED_NAMES)
}

/// Why the key of an info contributor is invalid, if it is.
pub(crate) fn info_key_complaint(key: &str) -> Option<String> {
    complaint_with(key, RESERVED_INFO_KEYS)
}

fn complaint_with(name: &str, reserved: &[&str]) -> Option<String> {
    let length = name.chars().count();
    if name.is_empty() {
        Some("is empty".into())
    } else if length > MAX_CHARS {
        Some(format!("has {length} characters, but can have at most {MAX_CHARS}"))
    } else if name.chars().any(char::is_control) {
        Some("contains a control character".into())
    } else if reserved.contains(&name) {
        Some("is reserved".into())
    } else {
        None
    }
}

/// Whether a name is longer than any valid name, so that no lookup can find it.
pub(crate) fn is_too_long(name: &str) -> bool {
    name.chars().nth(MAX_CHARS).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::segments_of_health;
    use crate::info::identity;

    #[test]
    fn names_of_this_library_are_reserved() {
        for name in segments_of_health().chain(OWN_COMPONENTS) {
            assert_eq!(complaint(name).as_deref(), Some("is reserved"), "{name}");
        }
        // The program may know these better.
        let replaceable = ["git", "os", "process"];
        for key in identity::OWN {
            let complaint = info_key_complaint(key);
            assert_eq!(complaint.is_none(), replaceable.contains(&key), "{key}: {complaint:?}");
        }
    }
}
