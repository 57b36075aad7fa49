//! What is known of a check before it runs.

use crate::check::kind::CheckKind;
use crate::check::status::Status;

/// What every result of a check says of it.
#[derive(Debug)]
pub(crate) struct About {
    pub(crate) name: String,
    pub(crate) kind: CheckKind,
    pub(crate) critical: bool,
    /// Where a dependency is asked.
    pub(crate) url: Option<String>,
}

/// The worse of two checks in a whole: one that is not critical only degrades it.
pub(crate) fn weigh(critical: bool, status: Status) -> Status {
    if critical { status } else { status.min(Status::Degraded) }
}
