//! Groups of checks with an answer of their own: `/health`, the probes, and custom groups.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::check::Check;
use crate::check::health::Health;
use crate::check::kind::CheckKind;
use crate::check::name::{AVAILABILITY, RUNTIME};
use crate::check::origin::Origin;
use crate::check::probe::Probe;
use crate::check::status::Status;
use crate::config::dialect::Dialect;
use crate::config::exposure::{Codes, Exposure};
use crate::config::group::Group;
use crate::config::show_details::ShowDetails;
use crate::report::about::About;
use crate::report::availability::Availability;
use crate::report::availability_state::AvailabilityState;
use crate::report::component::Component;
use crate::report::registered::{Readers, RegisteredCheck};
use crate::report::runtime_lag::RuntimeLag;
use crate::run::Runner;
use crate::sync::{Mutex, RwLock};

/// Which checks a group has, apart from those that it includes by name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum GroupKind {
    /// Every check: `/health`.
    Health,
    /// The checks of the kinds that are part of a probe.
    Probe(Probe),
    /// The checks that name the group.
    Custom,
}

impl GroupKind {
    const HEALTH: &'static str = "health";

    fn has(self, kind: CheckKind) -> bool {
        match self {
            GroupKind::Health => true,
            GroupKind::Probe(probe) => kind.is_part_of(probe),
            GroupKind::Custom => false,
        }
    }

    fn is(self, probe: Probe) -> bool {
        self == GroupKind::Probe(probe)
    }
}

/// A set of checks, and how the answer about them is made.
pub(crate) struct HealthGroup {
    pub(crate) name: Cow<'static, str>,
    pub(crate) kind: GroupKind,
    /// Whether the program or its configuration set it up, so that it stays when no check names it.
    is_configured: bool,
    settings: Group,
    codes: Codes,
    /// How long an answer waits for running checks.
    pub(crate) budget: Duration,
    last_status: Mutex<Option<Status>>,
}

impl HealthGroup {
    /// Whether a check is part of the answer now.
    pub(crate) fn has(&self, check: &RegisteredCheck) -> bool {
        self.can_have(check)
            && (self.settings.names(check.name()) || !self.has_succeeded_for_good(check))
    }

    /// Whether a check is part of the answer, or was part of it until it succeeded.
    pub(crate) fn can_have(&self, check: &RegisteredCheck) -> bool {
        let name = check.name();
        if self.settings.exclude.contains(name) {
            return false;
        }
        let is_member = match self.kind {
            GroupKind::Probe(Probe::Readiness) if check.cascade.is_some() => true,
            GroupKind::Custom => check.groups.iter().any(|group| *group == self.name),
            kind => kind.has(check.about.kind),
        };
        // A check that may fail again would make a service that has started look as if it had not.
        is_member || !self.kind.is(Probe::Startup) && self.settings.names(name)
    }

    fn has_succeeded_for_good(&self, check: &RegisteredCheck) -> bool {
        self.kind.is(Probe::Readiness)
            && check.about.kind == CheckKind::Startup
            && check.runner.is_settled()
    }

    /// The runner of a check that this group reads.
    pub(crate) fn runner<'a>(&self, check: &'a RegisteredCheck) -> &'a Arc<Runner<Health>> {
        match &check.cascade {
            Some(cascade) if self.kind.is(Probe::Readiness) => &cascade.runner,
            _ => &check.runner,
        }
    }

    /// The description of a check that this group shows.
    pub(crate) fn about<'a>(&self, check: &'a RegisteredCheck) -> &'a Arc<About> {
        match &check.cascade {
            Some(cascade) if self.kind.is(Probe::Readiness) => &cascade.about,
            _ => &check.about,
        }
    }

    /// Whether the answer also depends on the availability of the service.
    pub(crate) fn has_availability(&self) -> bool {
        let is_member = !matches!(self.kind, GroupKind::Custom | GroupKind::Probe(Probe::Startup));
        !self.settings.exclude.contains(AVAILABILITY)
            && (is_member || self.settings.names(AVAILABILITY))
    }

    /// The availability as a component, if it counts here and the service is not simply accepting.
    pub(crate) fn availability_component(&self, availability: &Availability) -> Option<Component> {
        let component = availability.component()?;
        let counts = self.counts_refusal() || availability.state() == AvailabilityState::Broken;
        (counts && self.has_availability()).then_some(component)
    }

    /// Whether the answer contains this component when there is something to report. It is not that of a check.
    pub(crate) fn has_own(&self, name: &str) -> bool {
        match name {
            AVAILABILITY => self.has_availability(),
            RUNTIME => self.is_restarted_for_stall() || self.shows_lag(),
            _ => false,
        }
    }

    /// The runtime of the application as a component, if it counts here and is late.
    pub(crate) fn runtime_component(&self, lag: &RuntimeLag) -> Option<Component> {
        let stalled = if self.is_restarted_for_stall() { lag.stalled() } else { None };
        stalled.or_else(|| if self.shows_lag() { lag.component() } else { None })
    }

    /// Whether the answer is `DOWN` once the runtime is stalled for too long.
    fn is_restarted_for_stall(&self) -> bool {
        matches!(self.kind, GroupKind::Probe(Probe::Liveness | Probe::Readiness))
            && !self.settings.exclude.contains(RUNTIME)
    }

    /// Whether the answer is `DEGRADED` as soon as the runtime is late.
    fn shows_lag(&self) -> bool {
        !self.settings.exclude.contains(RUNTIME)
            && (self.kind == GroupKind::Health || self.settings.names(RUNTIME))
    }

    /// Whether the answer is `OUT_OF_SERVICE` while the service refuses requests.
    fn counts_refusal(&self) -> bool {
        // A service that refuses requests needs no restart.
        !self.kind.is(Probe::Liveness) || self.settings.names(AVAILABILITY)
    }

    /// Whether a drain decides the status code of the answer. A critical check could still make the answer
    /// `DOWN`, which the program may have given another code than `OUT_OF_SERVICE`.
    pub(crate) fn is_decided_by_drain(&self) -> bool {
        let code = |status| self.codes.of(status);
        self.has_availability()
            && self.counts_refusal()
            && code(Status::OutOfService) == code(Status::Down)
    }

    /// The status code of each status.
    pub(crate) fn codes(&self) -> &Codes {
        &self.codes
    }

    /// Which requests are shown details here.
    pub(crate) fn show_details<'a>(&'a self, exposure: &'a Exposure) -> &'a ShowDetails {
        self.settings.show_details.as_ref().unwrap_or(&exposure.show_details)
    }

    /// What the clients of this group understand beside 200 and 503.
    pub(crate) fn dialects<'a>(
        &'a self,
        exposure: &'a Exposure,
        is_on_management_port: bool,
    ) -> &'a BTreeSet<Dialect> {
        static NONE: BTreeSet<Dialect> = BTreeSet::new();
        match self.kind {
            // kubelet restarts what fails.
            GroupKind::Probe(Probe::Liveness | Probe::Startup) => &NONE,
            _ => {
                let own = self.settings.dialects.as_ref();
                own.unwrap_or_else(|| exposure.dialects.at(is_on_management_port))
            }
        }
    }

    /// Whether the service drains, and the answer depends on that.
    pub(crate) fn drains(&self, availability: &Availability) -> bool {
        self.has_availability() && self.counts_refusal() && availability.is_draining()
    }

    /// Remembers the status of an answer, and returns the one before it.
    pub(crate) fn replace_status(&self, status: Status) -> Option<Status> {
        self.last_status.lock().replace(status)
    }

    /// Where the program set it up, if it did.
    pub(crate) fn origin(&self) -> Option<&Origin> {
        self.settings.origin.as_ref()
    }
}

/// Its name in the log.
impl fmt::Display for HealthGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kind == GroupKind::Custom {
            f.write_str("group ")?;
        }
        f.write_str(&self.name)
    }
}

/// The custom groups by name.
pub(crate) type CustomGroups = BTreeMap<String, Arc<HealthGroup>>;

/// Every group: `/health`, the probes, and the custom groups.
pub(crate) struct HealthGroups {
    health: Arc<HealthGroup>,
    probes: [Arc<HealthGroup>; Probe::ALL.len()],
    custom: RwLock<Arc<CustomGroups>>,
    codes: Codes,
    probe_budget: Duration,
}

impl HealthGroups {
    /// The groups of these checks. `settings` are those that the program or its configuration set up.
    pub(crate) fn new(
        mut settings: BTreeMap<String, Group>,
        checks: &[Check],
        codes: Codes,
        probe_budget: Duration,
        health_budget: Duration,
    ) -> Self {
        let name = GroupKind::HEALTH;
        let health = group(name, GroupKind::Health, settings.remove(name), codes, health_budget);
        let probes = Probe::ALL.map(|probe| {
            let name = probe.as_str();
            let codes = if probe == Probe::Liveness { codes.of_liveness() } else { codes };
            group(name, GroupKind::Probe(probe), settings.remove(name), codes, probe_budget)
        });
        let given = settings.into_iter().map(|(name, settings)| {
            let new = group(name.clone(), GroupKind::Custom, Some(settings), codes, probe_budget);
            (name, new)
        });
        let custom = RwLock::new(Arc::new(given.collect()));
        let groups = HealthGroups { health, probes, custom, codes, probe_budget };
        for check in checks {
            groups.add(check.groups.as_deref().unwrap_or_default());
        }
        groups
    }

    /// The group of every check.
    pub(crate) fn health(&self) -> &Arc<HealthGroup> {
        &self.health
    }

    pub(crate) fn probe(&self, probe: Probe) -> &Arc<HealthGroup> {
        &self.probes[probe as usize]
    }

    /// All of them at this moment.
    pub(crate) fn all(&self) -> impl Iterator<Item = Arc<HealthGroup>> {
        let custom: Vec<_> = self.custom().values().map(Arc::clone).collect();
        [Arc::clone(&self.health)].into_iter().chain(self.probes.clone()).chain(custom)
    }

    pub(crate) fn custom(&self) -> Arc<CustomGroups> {
        Arc::clone(&self.custom.read())
    }

    /// Adds the groups of these names that do not exist.
    pub(crate) fn add(&self, groups: &[String]) {
        if groups.is_empty() {
            return;
        }
        let mut known = self.custom.write();
        for name in groups {
            if !known.contains_key(name) {
                let kind = GroupKind::Custom;
                let new = group(name.clone(), kind, None, self.codes, self.probe_budget);
                Arc::make_mut(&mut known).insert(name.clone(), new);
            }
        }
    }

    /// Removes the groups of these names that no remaining check names. The caller holds the lock of the
    /// checks.
    pub(crate) fn remove(&self, groups: &[String], checks: &[Arc<RegisteredCheck>]) {
        if groups.is_empty() {
            return;
        }
        let mut known = self.custom.write();
        for name in groups {
            let is_configured = known.get(name).is_none_or(|group| group.is_configured);
            if !is_configured && !checks.iter().any(|check| check.groups.contains(name)) {
                Arc::make_mut(&mut known).remove(name);
            }
        }
    }

    /// Which answers contain a check that names these groups.
    pub(crate) fn readers(&self, name: &str, kind: CheckKind, groups: &[String]) -> Readers {
        let is_probed = self.probes.iter().any(|probe| {
            let settings = &probe.settings;
            !settings.exclude.contains(name) && (probe.kind.has(kind) || settings.names(name))
        });
        let is_grouped =
            !groups.is_empty() || self.custom().values().any(|group| group.settings.names(name));
        Readers { is_probed, is_grouped, probe_budget: self.probe_budget }
    }
}

fn group(
    name: impl Into<Cow<'static, str>>,
    kind: GroupKind,
    configured: Option<Group>,
    mut codes: Codes,
    budget: Duration,
) -> Arc<HealthGroup> {
    let is_configured = configured.is_some();
    let settings = configured.unwrap_or_default();
    for (&status, &code) in &settings.status_codes {
        // The build reports an invalid code.
        _ = codes.set(status, code);
    }
    let (name, last_status) = (name.into(), Mutex::default());
    Arc::new(HealthGroup { name, kind, is_configured, settings, codes, budget, last_status })
}
