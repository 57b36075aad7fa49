use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::check::health::Health;
use crate::check::kind::CheckKind;
use crate::check::status::Status;
use crate::report::about::About;
use crate::run::{Outcome, Reading};

/// One check's result, as a part of a [`HealthReport`] or from
/// [`Management::subscribe`](crate::Management::subscribe).
#[derive(Clone)]
pub struct Component {
    about: Arc<About>,
    result: Result<Arc<Outcome<Health>>, Health>,
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

    /// What is said without a run.
    pub(crate) fn said(about: &Arc<About>, health: Health) -> Self {
        Component { about: Arc::clone(about), result: Err(health), is_stale: false }
    }

    pub(crate) fn new(about: &Arc<About>, reading: Reading<Health>) -> Self {
        Component {
            about: Arc::clone(about),
            result: reading.outcome.map_err(Health::unknown),
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

    /// Whether a failure fails the whole, or only degrades it.
    pub fn is_critical(&self) -> bool {
        self.about.critical
    }

    /// The check's own status.
    pub fn status(&self) -> Status {
        self.health().status()
    }

    /// What the last run found; `UNKNOWN` where there is no result that may still be shown.
    pub fn health(&self) -> &Health {
        self.result.as_ref().map_or_else(|unknown| unknown, |outcome| &outcome.value)
    }

    /// When the run ended, if there was one.
    pub fn checked_at(&self) -> Option<SystemTime> {
        self.outcome().map(|outcome| outcome.checked_at)
    }

    /// How long the run took, if there was one.
    pub fn duration(&self) -> Option<Duration> {
        self.outcome().map(|outcome| outcome.duration)
    }

    /// How many runs in a row have failed, this one included.
    pub fn failures(&self) -> u32 {
        self.outcome().map_or(0, |outcome| outcome.failures)
    }

    /// Whether this is an older result, shown because a newer one is late.
    pub fn is_stale(&self) -> bool {
        self.is_stale
    }

    /// Where a dependency is asked.
    pub(crate) fn url(&self) -> Option<&str> {
        self.about.url.as_deref()
    }

    fn outcome(&self) -> Option<&Outcome<Health>> {
        self.result.as_deref().ok()
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
