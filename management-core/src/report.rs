//! From the results of many checks to one answer.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::task::yield_now;
use tokio::time::Instant;

use crate::availability::{Availability, AvailabilityState};
use crate::check::Kind;
use crate::health::Health;
use crate::name::AVAILABILITY;
use crate::runner::{Asked, Outcome, Reading, Runner};
use crate::slot::{About, Slot, weigh};
use crate::status::Status;

/// One question's answer: a [`Status`], and the checks that it comes from, sorted by name.
#[derive(Clone, Debug)]
pub struct HealthReport {
    status: Status,
    components: Vec<Component>,
}

impl HealthReport {
    fn new(components: Vec<Component>) -> Self {
        let statuses = components.iter().map(|part| weigh(part.is_critical(), part.status()));
        HealthReport { status: statuses.max().unwrap_or(Status::Up), components }
    }

    /// The worst of all components, where one that is not critical counts as `DEGRADED` at worst;
    /// `UP` without components.
    pub fn status(&self) -> Status {
        self.status
    }

    /// The components, sorted by name.
    pub fn components(&self) -> &[Component] {
        &self.components
    }
}

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

    fn new(about: &Arc<About>, reading: Reading<Health>) -> Self {
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
    pub fn kind(&self) -> Kind {
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

/// One of the questions that are put to many checks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Question {
    Health,
    Liveness,
    Readiness,
    Startup,
}

impl Question {
    pub(crate) const ALL: [Question; 4] =
        [Question::Health, Question::Liveness, Question::Readiness, Question::Startup];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Question::Health => "health",
            Question::Liveness => "liveness",
            Question::Readiness => "readiness",
            Question::Startup => "startup",
        }
    }

    /// What the service says of itself, as far as it is an answer to this.
    fn said(self, availability: &Availability) -> Option<Component> {
        match self {
            Question::Health | Question::Readiness => availability.component(),
            Question::Liveness => availability
                .component()
                .filter(|_| availability.state() == AvailabilityState::Broken),
            Question::Startup => None,
        }
    }

    fn includes(self, slot: &Slot) -> bool {
        match (self, slot.about.kind) {
            (Question::Readiness, Kind::Dependency) => slot.cascade.is_some(),
            (Question::Health, _)
            | (Question::Liveness | Question::Readiness, Kind::Liveness)
            | (Question::Readiness, Kind::Readiness)
            | (Question::Startup, Kind::Startup) => true,
            (Question::Readiness, Kind::Startup) => !slot.runner.is_settled(),
            _ => false,
        }
    }

    /// What is run of a check that is part of this question.
    fn runner(self, slot: &Slot) -> &Arc<Runner<Health>> {
        match (self, &slot.cascade) {
            (Question::Readiness, Some(cascade)) => &cascade.runner,
            _ => &slot.runner,
        }
    }

    /// What is told of it.
    fn about(self, slot: &Slot) -> &Arc<About> {
        match (self, &slot.cascade) {
            (Question::Readiness, Some(cascade)) => &cascade.about,
            _ => &slot.about,
        }
    }
}

/// Which checks are not asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct LeftOut {
    /// By name.
    pub(crate) names: BTreeSet<String>,
    /// Whoever asks is a service that this one may need in turn.
    pub(crate) dependencies: bool,
}

impl LeftOut {
    pub(crate) fn has(&self, slot: &Slot) -> bool {
        self.dependencies && slot.about.kind == Kind::Dependency || self.names.contains(slot.name())
    }
}

/// Checks that have been asked, all at once, and of which some may still be running.
pub(crate) struct Pending {
    question: Question,
    /// Where the answer is also about what the service says of itself.
    availability: Option<Availability>,
    asked: Vec<(Arc<Slot>, Asked<Health>)>,
    at: Instant,
    budget: Duration,
}

/// A report, and until when the same question has the same answer.
pub(crate) struct Answered {
    pub(crate) report: HealthReport,
    pub(crate) until: Option<Instant>,
}

impl Pending {
    /// Asks every check that the question is about and that is not left out.
    pub(crate) fn ask(
        slots: &[Arc<Slot>],
        availability: &Availability,
        question: Question,
        left_out: &LeftOut,
        budget: Duration,
    ) -> Self {
        let wanted = slots.iter().filter(|slot| question.includes(slot) && !left_out.has(slot));
        let is_left_out = left_out.names.contains(AVAILABILITY);
        let availability = (!is_left_out).then(|| availability.clone());
        Pending { availability, ..Pending::ask_all(wanted, question, budget) }
    }

    /// Asks one check as `/health` does.
    pub(crate) fn ask_one(slot: &Arc<Slot>, budget: Duration) -> Self {
        Pending::ask_all(std::iter::once(slot), Question::Health, budget)
    }

    fn ask_all<'a>(
        slots: impl Iterator<Item = &'a Arc<Slot>>,
        question: Question,
        budget: Duration,
    ) -> Self {
        let at = Instant::now();
        let mut asked = Vec::with_capacity(slots.size_hint().1.unwrap_or_default());
        asked.extend(slots.map(|slot| (Arc::clone(slot), question.runner(slot).ask(at))));
        Pending { question, availability: None, asked, at, budget }
    }

    /// The answer, if there is nothing to wait for.
    pub(crate) fn now(self) -> Result<Answered, Self> {
        if self.asked.iter().any(|(_, asked)| matches!(asked, Asked::Running(_))) {
            return Err(self);
        }
        let known = self.asked.into_iter().filter_map(|(slot, asked)| match asked {
            Asked::Known(reading) => Some((slot, reading)),
            Asked::Running(_) => None,
        });
        Ok(fold(self.question, self.availability.as_ref(), known))
    }

    /// The answer, when every run has ended or the budget is spent.
    pub(crate) async fn wait(self) -> Answered {
        // Quick checks have ended when this task is looked at again, and no timer has to be armed.
        yield_now().await;
        let mut known = Vec::with_capacity(self.asked.len());
        // One after the other, since they run all at once and nobody gets more than the budget.
        for (slot, asked) in self.asked {
            let runner = self.question.runner(&slot);
            let reading = runner.settle(asked, self.at, self.budget).await;
            known.push((slot, reading));
        }
        fold(self.question, self.availability.as_ref(), known.into_iter())
    }
}

fn fold(
    question: Question,
    availability: Option<&Availability>,
    known: impl Iterator<Item = (Arc<Slot>, Reading<Health>)>,
) -> Answered {
    let mut until: Option<Instant> = None;
    let mut components: Vec<_> = known
        .map(|(slot, reading)| {
            until = match (until, reading.until) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
            Component::new(question.about(&slot), reading)
        })
        .collect();
    if let Some(said) = availability.and_then(|availability| question.said(availability)) {
        let at = components.partition_point(|component| component.name() < said.name());
        components.insert(at, said);
    }
    Answered { report: HealthReport::new(components), until }
}
