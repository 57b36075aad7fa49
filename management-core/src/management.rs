#[cfg(all(feature = "systemd", unix))]
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, MutexGuard, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{broadcast, oneshot};
use tokio::time::Instant;

use crate::check::kind::CheckKind;
use crate::check::name::{AVAILABILITY, RUNTIME};
use crate::check::probe::Probe;
use crate::check::settings::Settings;
use crate::config::CheckConfig;
use crate::config::exposure::Exposure;
use crate::error::Error;
use crate::info::identity::Identity;
#[cfg(feature = "actuator")]
use crate::info::load::Load;
use crate::info::provider::Contributor;
use crate::info::version::Version;
#[cfg(feature = "metrics")]
use crate::metrics::facade::{Emission, Emitter};
#[cfg(feature = "opentelemetry")]
use crate::metrics::instruments;
#[cfg(feature = "prometheus")]
use crate::metrics::other::Other;
#[cfg(feature = "_series")]
use crate::metrics::source::{Build, Once, Source};
use crate::report::answer_log::log_answer;
use crate::report::ask::{Answered, LeftOut, Pending};
use crate::report::availability::Availability;
use crate::report::component::Component;
use crate::report::health_group::{CustomGroups, HealthGroup, HealthGroups};
use crate::report::health_report::HealthReport;
use crate::report::registered::RegisteredCheck;
use crate::report::runtime_lag::RuntimeLag;
use crate::report::signals::Signals;
use crate::run::Runtimes;
use crate::sync::{Mutex, RwLock};
use crate::text::secret::Names;

/// The checks of a service, and the means to run them.
///
/// Clones are cheap and share everything. When the last clone is dropped, background work ends. Values that are built
/// separately share nothing.
///
/// Checks need a Tokio runtime with its time driver, which `#[tokio::main]` enables. [`Builder::build`](crate::Builder::build) needs no runtime:
/// without one, background work starts with the first request.
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
    /// `None` in what must not keep background work alive. Dropped before `inner`, which it needs.
    _lease: Option<Arc<Lease>>,
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
    /// Whether some check is, or was, an instant one.
    pub(crate) has_instant_checks: AtomicBool,
    pub(crate) availability: Availability,
    pub(crate) listen: Mutex<Option<String>>,
    /// The number of [`Endpoint`](crate::endpoint::Endpoint)s, not counting clones.
    pub(crate) endpoints: AtomicUsize,
    /// The number of those on a management port.
    pub(crate) endpoints_on_management_port: AtomicUsize,
    pub(crate) runtime_lag: Arc<RuntimeLag>,
    #[cfg(feature = "actuator")]
    pub(crate) load: Arc<Load>,
    /// The thread of the endpoints, once it was started.
    pub(crate) thread: Mutex<Option<EndpointThread>>,
    /// The metrics of another exporter.
    #[cfg(feature = "prometheus")]
    pub(crate) metrics_text: Option<Other>,
    #[cfg(feature = "metrics")]
    pub(crate) emission: Arc<Emission>,
}

/// The thread of the endpoints.
pub(crate) struct EndpointThread {
    pub(crate) runtime: Handle,
    /// Whether it notifies the service manager.
    #[cfg(all(feature = "systemd", unix))]
    pub(crate) notifies: AtomicBool,
    /// Dropping it ends the thread.
    _stop: oneshot::Sender<()>,
}

impl EndpointThread {
    pub(crate) fn new(runtime: Handle, stop: oneshot::Sender<()>) -> Self {
        EndpointThread {
            runtime,
            #[cfg(all(feature = "systemd", unix))]
            notifies: AtomicBool::new(false),
            _stop: stop,
        }
    }
}

#[cfg(feature = "_series")]
impl Inner {
    /// What metrics are read from, at this moment.
    pub(crate) fn source(&self) -> Source {
        let version = self.version.last(Instant::now());
        Source {
            checks: Arc::clone(&self.checks.read()),
            groups: self.groups.all().collect(),
            availability: self.availability.clone(),
            runtime_lag: Arc::clone(&self.runtime_lag),
            runtime: self.signals.background.runtimes.for_runs().map(|runtime| runtime.metrics()),
            build: version.map(|version| Build::new(version.ok().flatten(), &self.identity)),
            #[cfg(feature = "actuator")]
            load: Arc::clone(&self.load),
            once: Once::default(),
        }
    }
}

/// What all clones share that the program holds. When the last one is dropped, background work ends.
struct Lease(Weak<Inner>);

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(inner) = self.0.upgrade() else { return };
        for check in inner.checks.read().iter() {
            check.runners().for_each(|runner| runner.close());
        }
        for contributor in &inner.contributors {
            contributor.runner.close();
        }
        if let Some(provider) = &inner.version.provider {
            provider.close();
        }
        #[cfg(feature = "prometheus")]
        if let Some(other) = &inner.metrics_text {
            other.runner.close();
        }
        #[cfg(feature = "metrics")]
        inner.emission.end();
        drop(inner.thread.lock().take());
    }
}

impl Management {
    pub(crate) fn from_inner(inner: Inner) -> Self {
        let inner = Arc::new(inner);
        let _lease = Some(Arc::new(Lease(Arc::downgrade(&inner))));
        let management = Management { _lease, inner };
        #[cfg(feature = "opentelemetry")]
        instruments::register(management.sources());
        management.wake();
        management
    }

    /// A clone that does not keep background work alive.
    pub(crate) fn uncounted(&self) -> Self {
        Management { _lease: None, inner: Arc::clone(&self.inner) }
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.inner
    }

    /// The whole: all checks, of every kind.
    ///
    /// The answer takes as long as the slowest check, and at most [`Builder::health_budget`](crate::Builder::health_budget).
    pub async fn health(&self) -> HealthReport {
        self.report(self.inner.groups.health()).await
    }

    /// Whether the process works or has to be restarted: the liveness checks.
    pub async fn liveness(&self) -> HealthReport {
        self.report(self.inner.groups.probe(Probe::Liveness)).await
    }

    /// Whether the service accepts requests: readiness and liveness checks, and startup checks that have not succeeded
    /// yet.
    pub async fn readiness(&self) -> HealthReport {
        self.report(self.inner.groups.probe(Probe::Readiness)).await
    }

    /// Whether the service has started: each startup check until its first success.
    pub async fn startup(&self) -> HealthReport {
        self.report(self.inner.groups.probe(Probe::Startup)).await
    }

    /// The checks of a group; `None` if the group does not exist.
    ///
    /// A group exists while checks name it, or if [`Builder::group`](crate::Builder::group) or [`Config::groups`](crate::Config::groups) defines
    /// it. `liveness`, `readiness` and `startup` are the probes.
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

    /// Whether the service accepts requests, and how it shuts down.
    pub fn availability(&self) -> &Availability {
        &self.inner.availability
    }

    /// The address of [`Builder::listen`](crate::Builder::listen) that no listener has taken yet.
    pub(crate) fn listen_address(&self) -> MutexGuard<'_, Option<String>> {
        self.inner.listen.lock()
    }

    /// The thread of the endpoints, once it was started.
    pub(crate) fn thread(&self) -> MutexGuard<'_, Option<EndpointThread>> {
        self.inner.thread.lock()
    }

    /// Whether some answer shows details on the management port alone.
    pub(crate) fn shows_details_on_management_port(&self) -> bool {
        let Inner { groups, exposure, .. } = &*self.inner;
        groups.all().any(|group| group.show_details(exposure).is_on_management_port())
    }

    pub(crate) fn runtimes(&self) -> &Runtimes {
        &self.inner.signals.background.runtimes
    }

    pub(crate) fn runtime_lag(&self) -> &Arc<RuntimeLag> {
        &self.inner.runtime_lag
    }

    /// The names whose values are secret.
    pub(crate) fn secrets(&self) -> &Names {
        &self.inner.signals.secrets
    }

    /// Makes every cached answer stale.
    pub(crate) fn advance(&self) {
        self.inner.signals.advance();
    }

    /// The result of one check; `None` if the check does not exist. The name `availability` stands for
    /// [`availability`](Self::availability), and `runtime` for the watchdog of the thread of the endpoints, if there is
    /// one.
    ///
    /// ```
    /// use management_core::{Check, Management, Status};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), management_core::Error> {
    /// let db = Check::new("db", async || Err::<(), _>("connection refused"));
    /// let management = Management::builder().check(db).build()?;
    ///
    /// let db = management.check("db").await.expect("`db` is a check");
    /// assert_eq!(db.to_string(), "db DOWN: connection refused");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn check(&self, name: &str) -> Option<Component> {
        match name {
            AVAILABILITY => return Some(self.inner.availability.component_always()),
            RUNTIME => return self.inner.runtime_lag.component_always(),
            _ => {}
        }
        self.wake();
        let check = self.find(name)?;
        let answered = match self.ask_one(self.inner.groups.health(), &check).now() {
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

    /// Liveness, from last results if checks take longer than this or than the budget.
    #[cfg(all(feature = "systemd", unix))]
    pub(crate) async fn liveness_within(&self, budget: Duration) -> HealthReport {
        self.wake();
        let group = self.inner.groups.probe(Probe::Liveness);
        self.ask(group, &LeftOut::default()).within(budget).answer().await.report
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

    /// Returns a receiver of [`tokio::sync::broadcast`] with each later result of each check.
    ///
    /// A receiver that is more than 1,024 results behind loses the oldest ones, and gets their number as an error.
    pub fn subscribe(&self) -> broadcast::Receiver<Component> {
        self.inner.signals.results.subscribe()
    }

    /// All checks, sorted by name.
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
        if check.is_instant() {
            self.inner.has_instant_checks.store(true, Ordering::Release);
        }
        let at = checks.partition_point(|other| other.name() < check.name());
        Arc::make_mut(&mut checks).insert(at, Arc::clone(&check));
        self.inner.groups.add(&check.groups);
        drop(checks);
        self.inner.signals.advance();
        start(&check, Instant::now());
        Ok(())
    }

    /// Removes a check, however it was registered. Returns whether the check existed. Requests that wait for a run of it
    /// still get the result.
    ///
    /// A group that exists only because checks name it is removed with the last of them. A group of [`Builder::group`](crate::Builder::group) or
    /// [`Config::groups`](crate::Config::groups) stays.
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
        let Inner { availability, runtime_lag, .. } = &*self.inner;
        Pending::ask(&self.registered(), availability, runtime_lag, group, left_out, false)
    }

    /// Asks a group whose instant checks have just been [computed](Self::compute_instant_checks).
    pub(crate) fn ask_computed(&self, group: &Arc<HealthGroup>) -> Pending {
        let Inner { availability, runtime_lag, .. } = &*self.inner;
        let left_out = LeftOut::default();
        Pending::ask(&self.registered(), availability, runtime_lag, group, &left_out, true)
    }

    pub(crate) fn ask_one(
        &self,
        group: &Arc<HealthGroup>,
        check: &Arc<RegisteredCheck>,
    ) -> Pending {
        Pending::ask_one(check, group)
    }

    /// Computes the instant checks of a group, so that a cached answer is stale if one of them has changed.
    pub(crate) fn compute_instant_checks(&self, group: &HealthGroup) {
        if !self.inner.has_instant_checks.load(Ordering::Acquire) {
            return;
        }
        let now = Instant::now();
        let checks = self.registered();
        for check in checks.iter().filter(|check| check.is_instant() && group.has(check)) {
            group.runner(check).ask(now);
        }
    }

    /// Logs an answer that differs from the one before it.
    pub(crate) fn note(&self, group: &HealthGroup, answered: &Answered) {
        let before = group.replace_status(answered.report.status());
        log_answer(group, before, &answered.report);
    }

    /// Starts background work that had no runtime so far.
    pub(crate) fn wake(&self) {
        if self.inner.signals.background.take_lost() {
            self.start_background();
        }
    }

    /// Whether a run needs the runtime of the application.
    pub(crate) fn has_runs_in_flight(&self) -> bool {
        self.inner.signals.background.has_runs_in_flight()
    }

    /// Ready when the first of several runs begins.
    pub(crate) async fn run_began(&self) {
        self.inner.signals.background.run_began().await;
    }

    /// Lets the next request start background work that has no runtime.
    pub(crate) fn lose_background(&self) {
        self.inner.signals.background.lose();
    }

    fn start_background(&self) {
        if self.runtimes().for_runs().is_none() {
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
        #[cfg(feature = "metrics")]
        Emitter::start(&self.inner.signals.background, &self.inner.emission, self.sources());
    }

    /// Reads what metrics are read from, for as long as this exists, without keeping it alive.
    #[cfg(any(feature = "metrics", feature = "opentelemetry"))]
    fn sources(&self) -> impl Fn() -> Option<Source> + Send + Sync + use<> {
        let inner = Arc::downgrade(&self.inner);
        move || inner.upgrade().map(|inner| inner.source())
    }

    /// The component with the most effect on `/health`, by the last results: nothing runs for it. Checks without a result
    /// do not count.
    #[cfg(all(feature = "systemd", unix))]
    pub(crate) fn worst_component(&self) -> Option<Component> {
        let group = self.inner.groups.health();
        let now = Instant::now();
        let checks = self.registered();
        let of_checks = checks.iter().filter(|check| group.has(check)).filter_map(|check| {
            // Without a prober, a check may never have run. That is no failure of the check.
            let reading =
                group.runner(check).last(now).filter(|reading| reading.outcome.is_ok())?;
            Some(Component::new(group.about(check), reading))
        });
        let availability = group.availability_component(&self.inner.availability);
        // As liveness has it, which the service manager acts on.
        let (lag, liveness) = (&self.inner.runtime_lag, self.inner.groups.probe(Probe::Liveness));
        let runtime = liveness.runtime_component(lag).or_else(|| group.runtime_component(lag));
        // The first of several equals, as `min_by_key` has it.
        availability
            .into_iter()
            .chain(runtime)
            .chain(of_checks)
            .min_by_key(|component| Reverse(component.effective_status()))
    }

    /// Ends runs whose deadline has passed and for which no request waits.
    pub(crate) fn end_overdue(&self, now: Instant) {
        for check in self.registered().iter() {
            check.runners().for_each(|runner| runner.end_overdue(now));
        }
        for contributor in &self.inner.contributors {
            contributor.runner.end_overdue(now);
        }
        if let Some(provider) = &self.inner.version.provider {
            provider.end_overdue(now);
        }
        #[cfg(feature = "prometheus")]
        if let Some(other) = &self.inner.metrics_text {
            other.runner.end_overdue(now);
        }
    }
}

/// Checks of probes run once without a request, so that the first probe of a pod finds a result.
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

/// A check as it is registered, without a result.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CheckInfo {
    /// The name.
    pub name: String,
    /// The kind, which decides about the probes that include the check.
    pub kind: CheckKind,
    /// Whether a failure makes the whole `DOWN`, or only `DEGRADED`.
    pub critical: bool,
    /// The groups that include the check, except the probes.
    pub groups: Vec<String>,
    /// The crate whose attribute registered the check; `None` for a check without an attribute.
    pub crate_name: Option<&'static str>,
    /// The file of the attribute, or of the call that created the check.
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
            crate_name: check.origin.crate_name(),
            file: check.origin.file(),
            line: check.origin.line(),
        }
    }
}
