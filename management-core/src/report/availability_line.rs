//! The log lines of the availability.

use tracing::Level;

use crate::check::name::AVAILABILITY;
use crate::line::line;
use crate::report::availability_state::AvailabilityState;

/// A line of the log about the availability, which has the fields of a check.
pub(crate) struct Line {
    pub(crate) state: AvailabilityState,
    /// Unless it is the same as before.
    pub(crate) previous: Option<AvailabilityState>,
    pub(crate) reason: Option<String>,
    pub(crate) text: String,
}

impl Line {
    /// A line about a state that stays.
    pub(crate) fn unchanged(state: AvailabilityState, reason: &str, text: String) -> Self {
        Line { state, previous: None, reason: Some(reason.to_owned()), text }
    }

    pub(crate) fn log(self) {
        let Line { state, previous, reason, text } = self;
        let is_broken = state == AvailabilityState::Broken && previous.is_some();
        let level = if is_broken { Level::WARN } else { Level::INFO };
        line!(
            at level,
            [
                check = AVAILABILITY,
                status = state.as_str(),
                previous = previous.map(AvailabilityState::as_str),
                reason,
            ],
            "{text}"
        );
    }
}
