//! The states of the availability.

use std::fmt;

/// Whether a service accepts requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AvailabilityState {
    /// The service does not accept requests yet: readiness and `/health` are `OUT_OF_SERVICE`.
    Starting,
    /// The service accepts requests.
    Accepting,
    /// The service does not accept requests for now, or drains: readiness and `/health` are `OUT_OF_SERVICE`,
    /// liveness stays `UP`.
    Refusing,
    /// Only a restart helps: liveness, readiness and `/health` are `DOWN`.
    Broken,
}

impl AvailabilityState {
    /// As it is written in the log.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            AvailabilityState::Starting => "STARTING",
            AvailabilityState::Accepting => "ACCEPTING",
            AvailabilityState::Refusing => "REFUSING",
            AvailabilityState::Broken => "BROKEN",
        }
    }

    /// The reason of the component if the program gives none.
    pub(crate) fn default_reason(self) -> &'static str {
        match self {
            AvailabilityState::Starting => "starting",
            AvailabilityState::Accepting => "accepting",
            AvailabilityState::Refusing => "refusing",
            AvailabilityState::Broken => "broken",
        }
    }
}

impl fmt::Display for AvailabilityState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
