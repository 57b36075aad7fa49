//! The words for statuses in the bodies of dependencies.

use crate::check::status::Status;

/// The status of a word: of Actuator, of this library, of `application/health+json` with its aliases, or of a plain health
/// check.
pub(super) fn status_named(word: &str) -> Option<Status> {
    Some(match &*word.trim().to_ascii_uppercase() {
        "UP" | "PASS" | "OK" | "HEALTHY" => Status::Up,
        "DEGRADED" | "WARN" => Status::Degraded,
        "UNKNOWN" => Status::Unknown,
        "OUT_OF_SERVICE" => Status::OutOfService,
        "DOWN" | "FAIL" | "ERROR" | "UNHEALTHY" => Status::Down,
        _ => return None,
    })
}
