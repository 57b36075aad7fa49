//! What is known of a check before it runs.

use crate::check::kind::CheckKind;
use crate::check::status::Status;

/// What does not change from result to result.
#[derive(Debug)]
pub(crate) struct About {
    pub(crate) name: String,
    pub(crate) kind: CheckKind,
    pub(crate) critical: bool,
    /// The URL of a service dependency.
    pub(crate) url: Option<String>,
}

/// What the status of a check counts for in a group: a check that is not critical only degrades it.
pub(crate) fn effective_status(critical: bool, status: Status) -> Status {
    if critical { status } else { status.min(Status::Degraded) }
}
