//! Which names a check, a group or an info key may have. `management-macros` holds the same rule
//! for names in attributes; `tests/names.rs` keeps the two alike.

const LONGEST: usize = 128;

/// What answers call the component that tells whether the service wants requests.
pub(crate) const AVAILABILITY: &str = "availability";

/// Says what is wrong with the name of a check or a group, or nothing.
pub(crate) fn complaint(name: &str) -> Option<String> {
    let reserved = [".", "..", "liveness", "readiness", "startup", "ping", "events", AVAILABILITY];
    if name.contains('/') {
        return Some("has a `/`, but is one segment of a URL path".into());
    }
    complaint_with(name, &reserved)
}

/// Says what is wrong with the key of an info contribution, or nothing.
pub(crate) fn info_key_complaint(key: &str) -> Option<String> {
    complaint_with(key, &["app", "build", "trace", "trace.attributes"])
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
