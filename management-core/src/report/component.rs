use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::check::health::Health;
use crate::check::kind::CheckKind;
use crate::check::status::Status;
use crate::report::about::{About, effective_status};
use crate::run::{Outcome, Reading};

/// The result of one check, as a part of a [`HealthReport`](crate::HealthReport) or from
/// [`Management::subscribe`](crate::Management::subscribe).
///
/// [`Serialize`](serde::Serialize) is the JSON of the endpoint of one check that shows details.
///
/// [`Display`](fmt::Display) is one line, such as `db DOWN: timed out after 2s`. The marks in
/// `db DOWN (not critical, stale): timed out after 2s` appear only if the check is not `UP` or the result is stale.
#[derive(Clone)]
pub struct Component {
    about: Arc<About>,
    /// Boxed, so that components are small.
    result: Result<Arc<Outcome<Health>>, Box<Health>>,
    is_stale: bool,
}

impl Component {
    pub(crate) fn known(
        about: &Arc<About>,
        outcome: &Arc<Outcome<Health>>,
        is_stale: bool,
    ) -> Self {
        Component { about: Arc::clone(about), result: Ok(Arc::clone(outcome)), is_stale }
    }

    /// A result without a run.
    pub(crate) fn without_run(about: &Arc<About>, health: Health) -> Self {
        Component { about: Arc::clone(about), result: Err(Box::new(health)), is_stale: false }
    }

    pub(crate) fn new(about: &Arc<About>, reading: Reading<Health>) -> Self {
        Component {
            about: Arc::clone(about),
            result: reading.outcome.map_err(|missing| Box::new(Health::unknown(missing))),
            is_stale: reading.is_stale,
        }
    }

    /// The check's name.
    pub fn name(&self) -> &str {
        &self.about.name
    }

    /// The check's kind.
    pub fn kind(&self) -> CheckKind {
        self.about.kind
    }

    /// Whether a failure makes the whole `DOWN`, or only `DEGRADED`.
    pub fn is_critical(&self) -> bool {
        self.about.critical
    }

    /// The check's own status.
    pub fn status(&self) -> Status {
        self.health().status()
    }

    /// The result of the last run; `UNKNOWN` if there is no result that is still valid.
    pub fn health(&self) -> &Health {
        match &self.result {
            Ok(outcome) => &outcome.value,
            Err(health) => health,
        }
    }

    /// When the run ended; `None` without a run.
    pub fn checked_at(&self) -> Option<SystemTime> {
        self.outcome()?.ran.map(|ran| ran.at)
    }

    /// How long the run took; `None` without a run.
    pub fn duration(&self) -> Option<Duration> {
        self.outcome()?.ran.map(|ran| ran.duration)
    }

    /// How many runs in a row have failed, this one included. Fewer than [`Check::fail_after`](crate::Check::fail_after) are
    /// tolerated: the status is then `DEGRADED`, unless no run has succeeded before. An instant check has no runs: while it
    /// fails, the number is 1.
    pub fn failures(&self) -> u32 {
        self.outcome().map_or(0, |outcome| outcome.failures)
    }

    /// Whether this is an earlier result, shown because the current run takes too long.
    pub fn is_stale(&self) -> bool {
        self.is_stale
    }

    /// The URL of a service dependency.
    pub(crate) fn url(&self) -> Option<&str> {
        self.about.url.as_deref()
    }

    /// What its status counts for in the whole.
    pub(crate) fn effective_status(&self) -> Status {
        effective_status(self.is_critical(), self.status())
    }

    /// The name, the status and the marks, without the reason.
    pub(crate) fn summary(&self) -> String {
        let is_harmless = !self.is_critical() && self.status() != Status::Up;
        let marks = match (is_harmless, self.is_stale) {
            (true, true) => " (not critical, stale)",
            (true, false) => " (not critical)",
            (false, true) => " (stale)",
            (false, false) => "",
        };
        format!("{} {}{marks}", self.name(), self.status())
    }

    fn outcome(&self) -> Option<&Outcome<Health>> {
        self.result.as_deref().ok()
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.summary())?;
        match self.health().reason() {
            Some(reason) => write!(f, ": {reason}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Component")
            .field("name", &self.name())
            .field("kind", &self.kind())
            .field("critical", &self.is_critical())
            .field("health", self.health())
            .field("checked_at", &self.checked_at())
            .field("duration", &self.duration())
            .field("failures", &self.failures())
            .field("stale", &self.is_stale())
            .finish()
    }
}
