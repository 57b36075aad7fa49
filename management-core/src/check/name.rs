//! Which names a check, a group or an info key may have. `management-macros` holds the same rule
//! for names in attributes, and the list of what is reserved; `tests/names.rs` keeps the two alike.

use management_macros::{__reserved_info_keys, __reserved_names};

const LONGEST: usize = 128;

/// What no check and no group can be called.
pub const RESERVED_NAMES: &[&str] = &__reserved_names!();

/// What no info contributor can have as its key.
pub const RESERVED_INFO_KEYS: &[&str] = &__reserved_info_keys!();

/// What answers call the component that tells whether the service wants requests.
pub(crate) const AVAILABILITY: &str = "availability";

/// Says what is wrong with the name of a check or a group, or nothing.
pub(crate) fn complaint(name: &str) -> Option<String> {
    if name.contains('/') {
        return Some("has a `/`, but is one segment of a URL path".into());
    }
    complaint_with(name, RESERVED_NAMES)
}

/// Says what is wrong with the key of an info contribution, or nothing.
pub(crate) fn info_key_complaint(key: &str) -> Option<String> {
    complaint_with(key, RESERVED_INFO_KEYS)
}

fn complaint_with(name: &str, reserved: &[&str]) -> Option<String> {
    let length = name.chars().count();
    if name.is_empty() {
        Some("is empty".into())
    } else if length > LONGEST {
        Some(format!("has {length} characters, but at most {LONGEST} are allowed"))
    } else if name.chars().any(char::is_control) {
        Some("has a control character".into())
    } else if reserved.contains(&name) {
        Some("is reserved".into())
    } else {
        None
    }
}

/// Whether anything can be called so: what is longer is not even looked up.
pub(crate) fn is_too_long(name: &str) -> bool {
    name.chars().nth(LONGEST).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::segments_of_health;
    use crate::info::identity;

    #[test]
    fn what_this_library_calls_so_is_reserved() {
        for name in segments_of_health().chain([AVAILABILITY]) {
            assert_eq!(complaint(name).as_deref(), Some("is reserved"), "{name}");
        }
        for key in identity::OWN {
            assert_eq!(info_key_complaint(key).as_deref(), Some("is reserved"), "{key}");
        }
    }
}
