use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::broadcast;
use tokio::time::Instant;

use crate::check::kind::CheckKind;
use crate::check::name::AVAILABILITY;
use crate::check::probe::Probe;
use crate::check::settings::Settings;
use crate::config::CheckConfig;
use crate::config::exposure::Exposure;
use crate::error::Error;
use crate::info::identity::Identity;
use crate::info::provider::Contributor;
use crate::info::version::Version;
use crate::report::ask::{Answered, LeftOut, Pending};
use crate::report::availability::Availability;
use crate::report::component::Component;
use crate::report::health_group::{CustomGroups, HealthGroup, HealthGroups};
use crate::report::health_report::HealthReport;
use crate::report::log;
use crate::report::registered::RegisteredCheck;
use crate::report::signals::Signals;
use crate::sync::{Mutex, RwLock};

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
    pub(crate) checks: RwLock<Arc<Vec<Arc<RegisteredCheck>>>>,
    pub(crate) version: Version,
    pub(crate) contributors: Vec<Contributor>,
    pub(crate) signals: Arc<Signals>,
    pub(crate) defaults: Settings,
    pub(crate) overrides: BTreeMap<String, CheckConfig>,
    pub(crate) health_budget: Duration,
    pub(crate) groups: HealthGroups,
    pub(crate) exposure: Exposure,
    pub(crate) has_dependencies: bool,
    pub(crate) availability: Availability,
    pub(crate) drain_timeout: Duration,
    pub(crate) listen: Mutex<Option<String>>,
    /// How many [`Endpoint`](crate::endpoint::Endpoint)s there are that could answer.
    pub(crate) endpoints: AtomicUsize,
}

impl Drop for Inner {
    fn drop(&mut self) {
        let checks = self.checks.get_mut();
        for runner in checks.iter().flat_map(|check| check.runners()) {
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
        self.report(self.inner.groups.health()).await
    }

    /// Whether the process has to be restarted: the liveness checks.
    pub async fn liveness(&self) -> HealthReport {
        self.report(self.inner.groups.probe(Probe::Liveness)).await
    }

    /// Whether the service wants requests: readiness and liveness checks, and startup checks that
    /// have not succeeded yet.
    pub async fn readiness(&self) -> HealthReport {
        self.report(self.inner.groups.probe(Probe::Readiness)).await
    }

    /// Whether the service has started: each startup check until its first success.
    pub async fn startup(&self) -> HealthReport {
        self.report(self.inner.groups.probe(Probe::Startup)).await
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
        let group = match Probe::named(name) {
            Some(probe) => Arc::clone(self.inner.groups.probe(probe)),
            None => Arc::clone(self.inner.groups.custom().get(name)?),
        };
        Some(self.report(&group).await)
    }

    /// Whether the service wants requests: what it says of itself.
    pub fn availability(&self) -> &Availability {
        &self.inner.availability
    }

    /// For how long servers that have stopped to accept connections may go on answering, as
    /// [`Builder::drain_timeout`] sets it.
    pub fn drain_timeout(&self) -> Duration {
        self.inner.drain_timeout
    }

    /// Where the endpoints are to have a listener of their own, as [`Builder::listen`] sets it, while there
    /// is none.
    pub fn listen(&self) -> Option<String> {
        self.listen_address().clone()
    }

    /// As [`listen`](Self::listen), for whoever sees to it: the first of several servers. Where it fails, it
    /// gives the address back.
    pub fn take_listen(&self) -> Option<String> {
        self.listen_address().take()
    }

    /// Gives back what [`take_listen`](Self::take_listen) gave.
    pub fn give_back_listen(&self, address: String) {
        *self.listen_address() = Some(address);
    }

    fn listen_address(&self) -> MutexGuard<'_, Option<String>> {
        self.inner.listen.lock()
    }

    /// Whether there is an [`Endpoint`](crate::endpoint::Endpoint) of this that could answer, such as those
    /// in a router, or whether all of them have been dropped.
    pub fn has_endpoint(&self) -> bool {
        self.inner.endpoints.load(Ordering::Relaxed) > 0
    }

    /// One check by its name, if there is one; [`availability`](Self::availability) has the name
    /// `availability`.
    pub async fn check(&self, name: &str) -> Option<Component> {
        if name == AVAILABILITY {
            return Some(self.inner.availability.component_always());
        }
        self.wake();
        let check = self.find(name)?;
        let answered = match self.ask_one(self.inner.groups.health(), &check).now() {
            Ok(answered) => answered,
            Err(pending) => pending.wait().await,
        };
        answered.report.components().first().cloned()
    }

    /// The attributes that `/info` tells under `trace.attributes`, whether it shows them or not, for
    /// traces, metrics and logs.
    ///
    /// It waits for the version provider, and then does without it, as `/info` does.
    #[cfg(feature = "opentelemetry")]
    #[cfg_attr(docsrs, doc(cfg(feature = "opentelemetry")))]
    pub async fn resource(&self) -> opentelemetry_sdk::Resource {
        self.wake();
        let version = self.inner.version.read(Instant::now(), self.inner.health_budget).await;
        self.inner.identity.resource(version.ok().flatten().as_deref())
    }

    async fn report(&self, group: &Arc<HealthGroup>) -> HealthReport {
        self.wake();
        let pending = self.ask(group, &LeftOut::default());
        let answered = match pending.now() {
            Ok(answered) => answered,
            Err(pending) => pending.wait().await,
        };
        self.note(group, &answered);
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
        let groups = self.inner.groups.custom();
        self.registered().iter().map(|check| CheckInfo::new(check, &groups)).collect()
    }

    /// Adds what `accept` makes of the checks there are, which do not change meanwhile.
    pub(crate) fn add(
        &self,
        accept: impl FnOnce(&[Arc<RegisteredCheck>]) -> Result<RegisteredCheck, Error>,
    ) -> Result<(), Error> {
        let mut checks = self.inner.checks.write();
        let check = Arc::new(accept(&checks)?);
        let at = checks.partition_point(|other| other.name() < check.name());
        Arc::make_mut(&mut checks).insert(at, Arc::clone(&check));
        self.inner.groups.add(&check.groups);
        drop(checks);
        self.inner.signals.advance();
        start(&check, Instant::now());
        Ok(())
    }

    /// Takes a check away, whoever registered it, and tells whether there was one. Whoever waits for
    /// a run of it still gets its result.
    ///
    /// A group that exists only because checks name it goes with the last of them; one that was given with
    /// [`Builder::group`] or in [`Config::groups`](crate::Config::groups) stays.
    pub fn unregister(&self, name: &str) -> bool {
        let mut checks = self.inner.checks.write();
        let Ok(at) = checks.binary_search_by(|check| check.name().cmp(name)) else { return false };
        let check = Arc::make_mut(&mut checks).remove(at);
        self.inner.groups.remove(&check.groups, &checks);
        drop(checks);
        self.inner.signals.advance();
        check.runners().for_each(|runner| runner.retire());
        true
    }

    pub(crate) fn registered(&self) -> Arc<Vec<Arc<RegisteredCheck>>> {
        Arc::clone(&self.inner.checks.read())
    }

    pub(crate) fn find(&self, name: &str) -> Option<Arc<RegisteredCheck>> {
        let checks = self.registered();
        let at = checks.binary_search_by(|check| check.name().cmp(name)).ok()?;
        Some(Arc::clone(&checks[at]))
    }

    pub(crate) fn groups(&self) -> &HealthGroups {
        &self.inner.groups
    }

    pub(crate) fn ask(&self, group: &Arc<HealthGroup>, left_out: &LeftOut) -> Pending {
        Pending::ask(&self.registered(), &self.inner.availability, group, left_out)
    }

    pub(crate) fn ask_one(
        &self,
        group: &Arc<HealthGroup>,
        check: &Arc<RegisteredCheck>,
    ) -> Pending {
        Pending::ask_one(check, group)
    }

    /// Logs an answer that differs from the one before it.
    pub(crate) fn note(&self, group: &HealthGroup, answered: &Answered) {
        let before = group.replace_status(answered.report.status());
        log::answer(group, before, &answered.report);
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
        for check in self.registered().iter() {
            start(check, now);
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
fn start(check: &RegisteredCheck, now: Instant) {
    for runner in check.runners() {
        let is_probed = check.probed().is_some_and(|probed| Arc::ptr_eq(probed, runner));
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
    pub kind: CheckKind,
    /// Whether a failure fails the whole, or only degrades it.
    pub critical: bool,
    /// The groups that it is also a part of.
    pub groups: Vec<String>,
    /// The crate that registered it by attribute; `None` for a check made at run time.
    pub krate: Option<&'static str>,
    /// The file of the attribute, or of the call that made the check.
    pub file: &'static str,
    /// The line in that file.
    pub line: u32,
}

impl CheckInfo {
    fn new(check: &RegisteredCheck, groups: &CustomGroups) -> Self {
        let others = groups.iter().filter(|(name, _)| !check.groups.contains(name));
        let own = check.groups.iter().filter_map(|name| groups.get_key_value(name));
        let groups = own.chain(others).filter(|(_, group)| group.has(check));
        CheckInfo {
            name: check.name().to_owned(),
            kind: check.about.kind,
            critical: check.about.critical,
            groups: groups.map(|(name, _)| name.clone()).collect(),
            krate: check.origin.crate_name(),
            file: check.origin.file(),
            line: check.origin.line(),
        }
    }
}
