use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::broadcast;
use tokio::time::Instant;

use crate::build::builder::Builder;
use crate::check::name::AVAILABILITY;
use crate::check::settings::Settings;
use crate::check::{Check, Kind};
use crate::config::CheckConfig;
use crate::config::exposure::Exposure;
use crate::config::overrides;
use crate::error::Error;
use crate::info::identity::Identity;
use crate::info::provider::Contributor;
use crate::info::version::Version;
use crate::line::line;
use crate::report::ask::{Answered, LeftOut, Pending};
use crate::report::availability::Availability;
use crate::report::component::Component;
use crate::report::health_report::HealthReport;
use crate::report::log;
use crate::report::scope::{Groups, Question, Scope, Scopes};
use crate::report::signals::Signals;
use crate::report::slot::Slot;

/// The checks of a service, and how they are run.
///
/// A cheap clone of one value: all clones are one, and when the last of them is dropped, background
/// work ends. Two values made apart do not see each other.
///
/// Whatever runs checks needs a Tokio runtime whose time driver is enabled, as that of
/// `#[tokio::main]` is. Making a `Management` needs none: background work starts at once where a
/// runtime is present, else with the first request.
///
/// ```
/// use management_core::{Check, Management, Status};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), management_core::Error> {
/// let management = Management::builder()
///     .check(Check::new("queue", || async { false }).critical(false))
///     .build()?;
///
/// let report = management.health().await;
/// assert_eq!(report.status(), Status::Degraded);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Management {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) identity: Identity,
    pub(crate) slots: RwLock<Arc<Vec<Arc<Slot>>>>,
    pub(crate) version: Version,
    pub(crate) contributors: Vec<Contributor>,
    pub(crate) signals: Arc<Signals>,
    pub(crate) defaults: Settings,
    pub(crate) overrides: BTreeMap<String, CheckConfig>,
    pub(crate) health_budget: Duration,
    pub(crate) scopes: Scopes,
    pub(crate) exposure: Exposure,
    pub(crate) has_dependencies: bool,
    pub(crate) availability: Availability,
    pub(crate) listen: Mutex<Option<String>>,
    /// The number of [`Endpoint`](crate::endpoint::Endpoint)s, not counting clones.
    pub(crate) endpoints: AtomicUsize,
}

impl Drop for Inner {
    fn drop(&mut self) {
        let slots = self.slots.get_mut().unwrap_or_else(PoisonError::into_inner);
        for runner in slots.iter().flat_map(|slot| slot.runners()) {
            runner.close();
        }
        for contributor in &self.contributors {
            contributor.runner.close();
        }
        if let Some(provider) = &self.version.provider {
            provider.close();
        }
    }
}

impl Management {
    /// All that attributes have registered, with nothing configured.
    ///
    /// # Errors
    ///
    /// As [`Builder::build`].
    pub fn new() -> Result<Self, Error> {
        Management::builder().build()
    }

    /// A builder that knows all that attributes have registered.
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(crate) fn from_inner(inner: Inner) -> Self {
        let management = Management { inner: Arc::new(inner) };
        management.wake();
        management
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.inner
    }

    /// Everything: every check, whatever its kind.
    ///
    /// The answer takes as long as the slowest check, and not longer than
    /// [`Builder::health_budget`].
    pub async fn health(&self) -> HealthReport {
        self.report(self.scope(Question::Health)).await
    }

    /// Whether the process has to be restarted: the liveness checks.
    pub async fn liveness(&self) -> HealthReport {
        self.report(self.scope(Question::Liveness)).await
    }

    /// Whether the service wants requests: readiness and liveness checks, and startup checks that
    /// have not succeeded yet.
    pub async fn readiness(&self) -> HealthReport {
        self.report(self.scope(Question::Readiness)).await
    }

    /// Whether the service has started: each startup check until its first success.
    pub async fn startup(&self) -> HealthReport {
        self.report(self.scope(Question::Startup)).await
    }

    /// The checks of a group, by its name, if there is such a group. A group is made by the checks that
    /// name it, for as long as there are any, and by [`Builder::group`]; `liveness`, `readiness` and `startup` are the probes.
    ///
    /// ```
    /// use management_core::{Check, Management, Status};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), management_core::Error> {
    /// let db = Check::new("db", async || false).groups(["payments"]);
    /// let management = Management::builder().check(db).build()?;
    ///
    /// let payments = management.group("payments").await.expect("there is such a group");
    /// assert_eq!(payments.status(), Status::Down);
    /// assert!(management.group("orders").await.is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn group(&self, name: &str) -> Option<HealthReport> {
        let scope = match Question::probe(name) {
            Some(probe) => Arc::clone(self.scope(probe)),
            None => Arc::clone(self.groups().get(name)?),
        };
        Some(self.report(&scope).await)
    }

    /// Whether the service wants requests: what it says of itself.
    pub fn availability(&self) -> &Availability {
        &self.inner.availability
    }

    /// The address of [`Builder::listen`] that no listener has taken yet.
    pub(crate) fn listen_address(&self) -> MutexGuard<'_, Option<String>> {
        self.inner.listen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One check by its name, if there is one; [`availability`](Self::availability) has the name
    /// `availability`.
    pub async fn check(&self, name: &str) -> Option<Component> {
        if name == AVAILABILITY {
            return Some(self.inner.availability.component_always());
        }
        self.wake();
        let slot = self.find(name)?;
        let answered = match self.ask_one(self.scope(Question::Health), &slot).now() {
            Ok(answered) => answered,
            Err(pending) => pending.wait().await,
        };
        answered.report.components().first().cloned()
    }

    /// The attributes of `/info` under `trace.attributes` as a resource for traces, metrics and logs. Attributes that
    /// `/info` does not show are included.
    ///
    /// This waits for the version provider as `/info` does. If the provider takes too long, the resource has no version.
    ///
    /// # Stability
    ///
    /// `opentelemetry_sdk` has no version 1 yet. A minor version of this crate may move to a new version of it, so this
    /// function is not covered by semantic versioning.
    #[cfg(feature = "opentelemetry")]
    #[cfg_attr(docsrs, doc(cfg(feature = "opentelemetry")))]
    pub async fn resource(&self) -> opentelemetry_sdk::Resource {
        self.wake();
        let version = self.inner.version.read(Instant::now(), self.inner.health_budget).await;
        self.inner.identity.resource(version.ok().flatten().as_deref())
    }

    async fn report(&self, scope: &Arc<Scope>) -> HealthReport {
        self.wake();
        let pending = self.ask(scope, &LeftOut::default());
        let answered = match pending.now() {
            Ok(answered) => answered,
            Err(pending) => pending.wait().await,
        };
        self.note(scope, &answered);
        answered.report
    }

    /// Each result of each check, from now on, when it comes: a receiver of [`tokio::sync::broadcast`].
    ///
    /// Whoever falls more than 1,024 results behind loses the oldest and is told how many.
    pub fn subscribe(&self) -> broadcast::Receiver<Component> {
        self.inner.signals.results.subscribe()
    }

    /// The checks there are, sorted by name.
    pub fn checks(&self) -> Vec<CheckInfo> {
        let groups = self.groups();
        self.slots().iter().map(|slot| CheckInfo::new(slot, &groups)).collect()
    }

    /// Adds a check at run time. What the configuration says of a check of this name holds for it, too;
    /// one that is switched off is not added. A group that it names and that is not there yet is made, and
    /// goes when the last check that names it is [unregistered](Self::unregister).
    ///
    /// # Errors
    ///
    /// The name or a setting of the check cannot be, or the name is taken by a check or a group.
    pub fn register(&self, mut check: Check) -> Result<(), Error> {
        if let Some(overriding) = self.inner.overrides.get(&check.name) {
            let told = overrides::change(&mut check, overriding);
            line!(INFO, "{told}");
            if overriding.enabled == Some(false) {
                return Ok(());
            }
        }
        let mut slots = self.inner.slots.write().unwrap_or_else(PoisonError::into_inner);
        let slot = Arc::new(self.inner.accept(check, &slots)?);
        let at = slots.partition_point(|other| other.name() < slot.name());
        Arc::make_mut(&mut slots).insert(at, Arc::clone(&slot));
        self.inner.scopes.add(&slot.groups);
        drop(slots);
        self.inner.signals.advance();
        start(&slot, Instant::now());
        Ok(())
    }

    /// Takes a check away, whoever registered it, and tells whether there was one. Whoever waits for
    /// a run of it still gets its result.
    ///
    /// A group that exists only because checks name it goes with the last of them; one that was given with
    /// [`Builder::group`] or in [`Config::groups`](crate::Config::groups) stays.
    pub fn unregister(&self, name: &str) -> bool {
        let mut slots = self.inner.slots.write().unwrap_or_else(PoisonError::into_inner);
        let Ok(at) = slots.binary_search_by(|slot| slot.name().cmp(name)) else { return false };
        let slot = Arc::make_mut(&mut slots).remove(at);
        self.inner.scopes.remove(&slot.groups, &slots);
        drop(slots);
        self.inner.signals.advance();
        slot.runners().for_each(|runner| runner.retire());
        true
    }

    pub(crate) fn slots(&self) -> Arc<Vec<Arc<Slot>>> {
        Arc::clone(&self.inner.slots.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn find(&self, name: &str) -> Option<Arc<Slot>> {
        let slots = self.slots();
        let at = slots.binary_search_by(|slot| slot.name().cmp(name)).ok()?;
        Some(Arc::clone(&slots[at]))
    }

    pub(crate) fn scope(&self, question: Question) -> &Arc<Scope> {
        self.inner.scopes.question(question)
    }

    /// The groups of the service's own.
    pub(crate) fn groups(&self) -> Arc<Groups> {
        self.inner.scopes.groups()
    }

    pub(crate) fn ask(&self, scope: &Arc<Scope>, left_out: &LeftOut) -> Pending {
        Pending::ask(&self.slots(), &self.inner.availability, scope, left_out)
    }

    pub(crate) fn ask_one(&self, scope: &Arc<Scope>, slot: &Arc<Slot>) -> Pending {
        Pending::ask_one(slot, scope)
    }

    /// Logs an answer that differs from the one before it.
    pub(crate) fn note(&self, scope: &Scope, answered: &Answered) {
        let before = scope.answered(answered.report.status());
        log::answer(scope, before, &answered.report);
    }

    /// Starts the background work that should be going on and is not.
    pub(crate) fn wake(&self) {
        if self.inner.signals.background.take_lost() {
            self.start_background();
        }
    }

    fn start_background(&self) {
        if Handle::try_current().is_err() {
            self.inner.signals.background.lose();
            return;
        }
        let now = Instant::now();
        for slot in self.slots().iter() {
            start(slot, now);
        }
        for contributor in &self.inner.contributors {
            contributor.runner.start_in_background(now, false);
        }
        if let Some(provider) = &self.inner.version.provider {
            provider.start_in_background(now, false);
        }
    }
}

/// What a probe reads is run once unasked, so that no pod loses its first period.
fn start(slot: &Slot, now: Instant) {
    for runner in slot.runners() {
        let is_probed = slot.probed().is_some_and(|probed| Arc::ptr_eq(probed, runner));
        runner.start_in_background(now, is_probed);
    }
}

impl fmt::Debug for Management {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Management")
            .field("name", &self.inner.identity.service_name())
            .field("checks", &self.checks())
            .finish_non_exhaustive()
    }
}

/// What is known of a check without running it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CheckInfo {
    /// Its name.
    pub name: String,
    /// Which questions it takes part in.
    pub kind: Kind,
    /// Whether a failure fails the whole, or only degrades it.
    pub critical: bool,
    /// The groups that it is also a part of.
    pub groups: Vec<String>,
    /// The crate that registered it by attribute; `None` for a check made at run time.
    pub crate_name: Option<&'static str>,
    /// The file of the attribute, or of the call that made the check.
    pub file: &'static str,
    /// The line in that file.
    pub line: u32,
}

impl CheckInfo {
    fn new(slot: &Slot, groups: &Groups) -> Self {
        let others = groups.values().filter(|group| !slot.groups.contains(&group.name));
        let own = slot.groups.iter().filter_map(|name| groups.get(name));
        let groups = own.chain(others).filter(|group| group.has(slot));
        CheckInfo {
            name: slot.name().to_owned(),
            kind: slot.about.kind,
            critical: slot.about.critical,
            groups: groups.map(|group| group.name.clone()).collect(),
            crate_name: slot.origin.krate(),
            file: slot.origin.file(),
            line: slot.origin.line(),
        }
    }
}
