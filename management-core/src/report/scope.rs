//! What an answer is about: which checks, and how it is judged and shown.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use http::request::Parts;

use crate::check::health::Health;
use crate::check::name::AVAILABILITY;
use crate::check::origin::Origin;
use crate::check::status::Status;
use crate::check::{Check, Kind};
use crate::config::exposure::{Codes, Exposure};
use crate::config::group::Group;
use crate::report::about::About;
use crate::report::availability::{Availability, AvailabilityState};
use crate::report::component::Component;
use crate::report::slot::Slot;
use crate::run::Runner;

/// One of the questions that are put to many checks, whatever groups there are.
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

    pub(crate) const PROBES: [Question; 3] =
        [Question::Liveness, Question::Readiness, Question::Startup];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Question::Health => "health",
            Question::Liveness => "liveness",
            Question::Readiness => "readiness",
            Question::Startup => "startup",
        }
    }

    /// The probe of this name.
    pub(crate) fn probe(name: &str) -> Option<Question> {
        Question::PROBES.into_iter().find(|probe| probe.name() == name)
    }

    /// Whether checks of this kind are a part of it, of whatever they have found.
    fn takes(self, kind: Kind) -> bool {
        matches!(
            (self, kind),
            (Question::Health, _)
                | (Question::Liveness | Question::Readiness, Kind::Liveness)
                | (Question::Readiness, Kind::Readiness)
                | (Question::Readiness | Question::Startup, Kind::Startup)
        )
    }
}

/// What one answer is about, and how it is judged and shown.
pub(crate) struct Scope {
    pub(crate) name: String,
    /// Nothing for a group of the service's own.
    pub(crate) question: Option<Question>,
    /// Whether it stays when no check names it any more.
    is_given: bool,
    group: Group,
    codes: Codes,
    /// How long it waits for running checks.
    pub(crate) budget: Duration,
    /// What was answered last.
    said: Mutex<Option<Status>>,
}

impl Scope {
    /// Whether a check is a part of the answer, now.
    pub(crate) fn has(&self, slot: &Slot) -> bool {
        self.may_have(slot) && (self.group.names(slot.name()) || !self.is_done_with(slot))
    }

    /// Whether a check is a part of the answer, or was one until it had succeeded.
    pub(crate) fn may_have(&self, slot: &Slot) -> bool {
        let name = slot.name();
        if self.group.exclude.contains(name) {
            return false;
        }
        let has_by_itself = match self.question {
            Some(Question::Readiness) if slot.cascade.is_some() => true,
            Some(question) => question.takes(slot.about.kind),
            None => slot.groups.contains(&self.name),
        };
        // A check that may fail again would stop what has started.
        has_by_itself || self.question != Some(Question::Startup) && self.group.names(name)
    }

    fn is_done_with(&self, slot: &Slot) -> bool {
        self.question == Some(Question::Readiness)
            && slot.about.kind == Kind::Startup
            && slot.runner.is_settled()
    }

    /// What is run of a check that is a part of it.
    pub(crate) fn runner<'a>(&self, slot: &'a Slot) -> &'a Arc<Runner<Health>> {
        match (self.question, &slot.cascade) {
            (Some(Question::Readiness), Some(cascade)) => &cascade.runner,
            _ => &slot.runner,
        }
    }

    /// What is told of it.
    pub(crate) fn about<'a>(&self, slot: &'a Slot) -> &'a Arc<About> {
        match (self.question, &slot.cascade) {
            (Some(Question::Readiness), Some(cascade)) => &cascade.about,
            _ => &slot.about,
        }
    }

    /// Whether the answer is also about what the service says of itself.
    pub(crate) fn has_availability(&self) -> bool {
        let has_by_itself = !matches!(self.question, None | Some(Question::Startup));
        !self.group.exclude.contains(AVAILABILITY)
            && (has_by_itself || self.group.names(AVAILABILITY))
    }

    /// What the service says of itself, as far as the answer is about it: nothing while all is well.
    pub(crate) fn said(&self, availability: &Availability) -> Option<Component> {
        let component = availability.component()?;
        let counts = self.heeds_refusal() || availability.state() == AvailabilityState::Broken;
        (counts && self.has_availability()).then_some(component)
    }

    /// Whether the answer is `OUT_OF_SERVICE` where the service does not want requests.
    fn heeds_refusal(&self) -> bool {
        // Not to want requests is no reason to restart a pod.
        self.question != Some(Question::Liveness) || self.group.names(AVAILABILITY)
    }

    /// Whether no check can change the code of an answer in a drain: a critical one could make it `DOWN`, which
    /// may have another code than `OUT_OF_SERVICE` where the program says so.
    pub(crate) fn is_decided_by_drain(&self) -> bool {
        let code = |status| self.codes.of(status);
        self.has_availability()
            && self.heeds_refusal()
            && code(Status::OutOfService) == code(Status::Down)
    }

    /// Which statuses are 200 and which 503 here.
    pub(crate) fn codes(&self) -> &Codes {
        &self.codes
    }

    /// Whether details are shown in answer to a request.
    pub(crate) fn shows_details(&self, exposure: &Exposure, request: &Parts) -> bool {
        self.group.show_details.as_ref().unwrap_or(&exposure.show_details).to(request)
    }

    /// Takes note of an answer, and gives the one before it.
    pub(crate) fn answered(&self, status: Status) -> Option<Status> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).replace(status)
    }

    /// Where the program gave it, if it did.
    pub(crate) fn origin(&self) -> Option<&Origin> {
        self.group.origin.as_ref()
    }
}

/// What the log calls it.
impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.question.is_none() {
            f.write_str("group ")?;
        }
        f.write_str(&self.name)
    }
}

/// The groups of a service's own, by name.
pub(crate) type Groups = BTreeMap<String, Arc<Scope>>;

/// All that can be asked.
pub(crate) struct Scopes {
    questions: [Arc<Scope>; Question::ALL.len()],
    groups: RwLock<Arc<Groups>>,
    codes: Codes,
    probe_budget: Duration,
}

impl Scopes {
    /// The questions and groups of these checks. `set` is what was set for them; what cannot be in it
    /// has been told.
    pub(crate) fn new(
        mut set: BTreeMap<String, Group>,
        checks: &[Check],
        codes: Codes,
        probe_budget: Duration,
        health_budget: Duration,
    ) -> Self {
        let questions = Question::ALL.map(|question| {
            let name = question.name();
            let (codes, budget) = match question {
                Question::Health => (codes, health_budget),
                Question::Liveness => (codes.of_liveness(), probe_budget),
                Question::Readiness | Question::Startup => (codes, probe_budget),
            };
            let group = set.remove(name);
            scope(name.into(), Some(question), group, codes, budget)
        });
        let given = set.into_iter().map(|(name, group)| {
            (name.clone(), scope(name, None, Some(group), codes, probe_budget))
        });
        let groups = RwLock::new(Arc::new(given.collect()));
        let scopes = Scopes { questions, groups, codes, probe_budget };
        for check in checks {
            scopes.add(check.groups.as_deref().unwrap_or_default());
        }
        scopes
    }

    pub(crate) fn question(&self, question: Question) -> &Arc<Scope> {
        &self.questions[question as usize]
    }

    /// The groups of the service's own.
    pub(crate) fn groups(&self) -> Arc<Groups> {
        Arc::clone(&self.groups.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds those of the groups that there are not yet.
    pub(crate) fn add(&self, groups: &[String]) {
        if groups.is_empty() {
            return;
        }
        let mut known = self.groups.write().unwrap_or_else(PoisonError::into_inner);
        for name in groups {
            if !known.contains_key(name) {
                let new = scope(name.clone(), None, None, self.codes, self.probe_budget);
                Arc::make_mut(&mut known).insert(name.clone(), new);
            }
        }
    }

    /// Removes those of the groups that only a check that has gone had named. `slots` are those that are
    /// left, which must not change meanwhile.
    pub(crate) fn remove(&self, groups: &[String], slots: &[Arc<Slot>]) {
        if groups.is_empty() {
            return;
        }
        let mut known = self.groups.write().unwrap_or_else(PoisonError::into_inner);
        for name in groups {
            let is_given = known.get(name).is_none_or(|scope| scope.is_given);
            if !is_given && !slots.iter().any(|slot| slot.groups.contains(name)) {
                Arc::make_mut(&mut known).remove(name);
            }
        }
    }

    /// How long a probe or a group waits for running checks.
    pub(crate) fn probe_budget(&self) -> Duration {
        self.probe_budget
    }

    /// Whether a probe reads a check.
    pub(crate) fn is_probed(&self, name: &str, kind: Kind) -> bool {
        Question::PROBES.into_iter().any(|probe| {
            let group = &self.question(probe).group;
            !group.exclude.contains(name) && (probe.takes(kind) || group.names(name))
        })
    }

    /// Whether a group of the service's own has a check that brings these groups.
    pub(crate) fn is_grouped(&self, name: &str, own: &[String]) -> bool {
        !own.is_empty() || self.groups().values().any(|scope| scope.group.names(name))
    }
}

fn scope(
    name: String,
    question: Option<Question>,
    given: Option<Group>,
    mut codes: Codes,
    budget: Duration,
) -> Arc<Scope> {
    let is_given = given.is_some();
    let group = given.unwrap_or_default();
    for (&status, &code) in &group.status_codes {
        // A code that cannot be has been told.
        drop(codes.set(status, code));
    }
    Arc::new(Scope { name, question, is_given, group, codes, budget, said: Mutex::default() })
}
