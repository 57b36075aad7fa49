//! Whether the service wants requests, and how it stops to.

use std::fmt;
use std::pin::pin;
use std::sync::{Arc, LazyLock, MutexGuard};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::check::health::Health;
use crate::check::kind::CheckKind;
use crate::check::name::AVAILABILITY;
use crate::line::line;
use crate::report::about::About;
use crate::report::component::Component;
use crate::report::signals::Signals;
use crate::sync::Mutex;
use crate::text;

/// How a service stands to the requests that it could get.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AvailabilityState {
    /// Not yet: readiness and `/health` are `OUT_OF_SERVICE`.
    Starting,
    /// It wants requests.
    Accepting,
    /// Not any more, or not now: readiness and `/health` are `OUT_OF_SERVICE`, liveness stays `UP`.
    Refusing,
    /// Only a restart helps: liveness is `DOWN`, and so are readiness and `/health`.
    Broken,
}

impl AvailabilityState {
    fn as_str(self) -> &'static str {
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

/// Whether a service wants requests: what it says of itself, beside what its checks find.
///
/// From [`Management::availability`](crate::Management::availability); a cheap clone of one value. It is
/// *accepting* from the start, unless [`Builder::starting`](crate::Builder::starting) says that it is
/// *starting*, or a server that is [still to come](Self::expect_server), as those of `management-axum` are.
/// Each change is logged once.
///
/// Where it is not accepting, answers have a component `availability`, which can be left out with
/// `?exclude=availability` as any other.
///
/// ```
/// use management_core::{AvailabilityState, Management, Status};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), management_core::Error> {
/// let management = Management::builder().starting().build()?;
/// assert_eq!(management.readiness().await.status(), Status::OutOfService);
///
/// management.availability().accepting();
/// assert_eq!(management.readiness().await.status(), Status::Up);
///
/// management.availability().broken("the queue's worker has panicked");
/// assert_eq!(management.availability().state(), AvailabilityState::Broken);
/// assert_eq!(management.liveness().await.status(), Status::Down);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Availability {
    shared: Arc<Shared>,
}

struct Shared {
    state: watch::Sender<AvailabilityState>,
    /// Never held while something is logged or formatted: whoever does that may take long, or ask.
    now: Mutex<Now>,
    /// When servers stop to accept connections, once a drain has begun.
    stop_at: watch::Sender<Option<Instant>>,
    /// Whether servers cut what is in flight.
    cut: watch::Sender<bool>,
    /// How many servers take requests.
    servers: watch::Sender<usize>,
    drain_delay: Duration,
    signals: Arc<Signals>,
}

/// The state, and how it has come to it.
struct Now {
    state: AvailabilityState,
    why: Option<String>,
    /// Somebody has said it: it is no default any more.
    is_explicit: bool,
    drained_by: Option<String>,
    drained_at: Option<Instant>,
    /// It is broken because a server ended, and another one can mend that.
    has_lost_server: bool,
    /// Somebody has been told that it is too late.
    is_late_told: bool,
}

/// What the log is to be told, and whether it is a warning.
type Line = Option<(bool, String)>;

impl Availability {
    pub(crate) fn new(is_starting: bool, drain_delay: Duration, signals: Arc<Signals>) -> Self {
        let state =
            if is_starting { AvailabilityState::Starting } else { AvailabilityState::Accepting };
        let shared = Shared {
            state: watch::Sender::new(state),
            now: Mutex::new(Now {
                state,
                why: None,
                is_explicit: is_starting,
                drained_by: None,
                drained_at: None,
                has_lost_server: false,
                is_late_told: false,
            }),
            stop_at: watch::Sender::new(None),
            cut: watch::Sender::new(false),
            servers: watch::Sender::new(0),
            drain_delay,
            signals,
        };
        Availability { shared: Arc::new(shared) }
    }

    /// What it is now.
    pub fn state(&self) -> AvailabilityState {
        *self.shared.state.borrow()
    }

    /// Each change from now on: a receiver of [`tokio::sync::watch`], which has the present state, too.
    pub fn subscribe(&self) -> watch::Receiver<AvailabilityState> {
        self.shared.state.subscribe()
    }

    /// It does not want requests yet.
    pub fn starting(&self) {
        self.set(AvailabilityState::Starting, None);
    }

    /// It wants requests, and is not broken any more. In a drain it is not heard: there is no way back.
    pub fn accepting(&self) {
        self.set(AvailabilityState::Accepting, None);
    }

    /// It does not want requests now, for instance while somebody works on it.
    pub fn refusing(&self, why: impl fmt::Display) {
        self.set(AvailabilityState::Refusing, Some(self.tidy(why)));
    }

    /// Only a restart helps. Liveness is `DOWN` from now on, and Kubernetes restarts the container.
    pub fn broken(&self, why: impl fmt::Display) {
        self.set(AvailabilityState::Broken, Some(self.tidy(why)));
    }

    /// Begins a drain, as SIGTERM does: refusing for good, and [`stopping`](Self::stopping) is ready when
    /// [`Builder::drain_delay`](crate::Builder::drain_delay) is over. Checks that run in the background
    /// rest from now on, so that what closes now raises no alarm. Readiness and `/health` wait for no check any
    /// more, not even where a request is waiting already: a check that is running is shown with its last result, or
    /// as `UNKNOWN`, and the answer is `OUT_OF_SERVICE`, or `DOWN` where a check was that before.
    ///
    /// `why` names what has begun it, such as a signal. A second call changes nothing.
    pub fn drain(&self, why: impl fmt::Display) {
        self.drain_within(self.shared.drain_delay, why, "");
    }

    /// Ends the delay of a drain, or begins one without a delay, as Ctrl-C does.
    pub fn stop(&self, why: impl fmt::Display) {
        self.drain_within(Duration::ZERO, why, "");
    }

    /// As [`drain`](Self::drain), or as [`stop`](Self::stop) where it `is_urgent`, with something more to say in
    /// the log where there is no delay.
    #[doc(hidden)]
    pub fn drain_on_signal(&self, name: &str, is_urgent: bool, more: &str) {
        let delay = if is_urgent { Duration::ZERO } else { self.shared.drain_delay };
        self.drain_within(delay, name, more);
    }

    /// Whether a drain has begun and its delay is over.
    #[doc(hidden)]
    pub fn is_stopping(&self) -> bool {
        self.shared.stop_at.borrow().is_some_and(|at| at <= Instant::now())
    }

    /// Ends a drain: servers cut what is still in flight, as those of `management-axum`'s `run` do, and
    /// [`cutting`](Self::cutting) is ready. Begins a drain without a delay where there is none.
    ///
    /// `why` names who wants it. A second call changes nothing.
    pub fn cut(&self, why: impl fmt::Display) {
        let why = self.tidy(why);
        self.stop(&why);
        if !self.shared.cut.send_replace(true) {
            line!(INFO, "servers cut what is in flight: {why}");
        }
    }

    /// Ready when servers are to [`cut`](Self::cut) what is in flight.
    pub fn cutting(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut cut = self.shared.cut.subscribe();
        // Kept, so that the sender lives as long as somebody waits for it.
        let shared = Arc::clone(&self.shared);
        async move {
            let _shared = shared;
            drop(cut.wait_for(|is_cut| *is_cut).await);
        }
    }

    /// Whether a drain has begun.
    pub fn is_draining(&self) -> bool {
        self.shared.stop_at.borrow().is_some()
    }

    /// When servers stop to accept connections; nothing while no drain has begun.
    pub(crate) fn stop_at(&self) -> watch::Receiver<Option<Instant>> {
        self.shared.stop_at.subscribe()
    }

    /// What has begun the drain, if anything has.
    pub fn drain_reason(&self) -> Option<String> {
        self.now().drained_by.clone()
    }

    /// For how long the service has been draining, if a drain has begun.
    pub fn drain_time(&self) -> Option<Duration> {
        self.now().drained_at.map(|at| at.elapsed())
    }

    /// Ready when a drain has begun and its delay is over: servers stop to accept connections now.
    pub fn stopping(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut stop_at = self.shared.stop_at.subscribe();
        // Kept, so that the sender lives as long as somebody waits for it.
        let shared = Arc::clone(&self.shared);
        async move {
            let _shared = shared;
            loop {
                let at = *stop_at.borrow_and_update();
                match at {
                    Some(at) if at <= Instant::now() => return,
                    Some(at) => {
                        let sooner = pin!(stop_at.changed());
                        // Whether the time has come or was changed, the value tells what is due.
                        drop(timeout_at(at, sooner).await);
                    }
                    None => drop(stop_at.changed().await),
                }
            }
        }
    }

    /// Ready when no [`Server`] is left.
    pub async fn served(&self) {
        let mut servers = self.shared.servers.subscribe();
        // The sender lives in `self`, so that waiting for it cannot fail.
        drop(servers.wait_for(|servers| *servers == 0).await);
    }

    /// Says that the service has a server that does not take requests yet: starting, where nobody has said
    /// anything else.
    ///
    /// It is not logged: until now nobody has said that the service accepts requests.
    pub fn expect_server(&self) {
        let mut now = self.now();
        if !now.is_explicit && *self.shared.servers.borrow() == 0 {
            let why = Some("the service's server is not there yet".to_owned());
            self.put(&mut now, AvailabilityState::Starting, why, "");
        }
    }

    /// Says that a service that is accepting by default means it: a server that is
    /// [expected](Self::expect_server) later does not take that back.
    pub fn confirm(&self) {
        let mut now = self.now();
        now.is_explicit |= now.state == AvailabilityState::Accepting;
    }

    /// Says that a server takes requests from now on, which ends the start. Where the guard is dropped
    /// and no drain has begun, the service is broken, until another server takes requests.
    pub fn server(&self) -> Server {
        self.shared.servers.send_modify(|servers| *servers += 1);
        let mut now = self.now();
        let is_awaited = now.state == AvailabilityState::Starting || now.has_lost_server;
        let line = (is_awaited && !self.is_draining())
            .then(|| self.put(&mut now, AvailabilityState::Accepting, None, ""));
        drop(now);
        tell(line.flatten());
        Server { availability: self.clone() }
    }

    fn set(&self, state: AvailabilityState, why: Option<String>) {
        let mut now = self.now();
        now.is_explicit = true;
        let line = if !self.is_draining() || state == AvailabilityState::Broken {
            self.put(&mut now, state, why, "")
        } else if state == now.state || std::mem::replace(&mut now.is_late_told, true) {
            None
        } else {
            let stays = now.state;
            Some((false, format!("availability stays {stays}: in a drain, {state} is too late")))
        };
        drop(now);
        tell(line);
    }

    fn lose_server(&self) {
        let mut now = self.now();
        // What somebody has said before is not mended by another server.
        let is_said = now.state == AvailabilityState::Broken && !now.has_lost_server;
        now.is_explicit = true;
        let why = Some("a server has ended, and nobody has told it to".to_owned());
        let line = self.put(&mut now, AvailabilityState::Broken, why, "");
        now.has_lost_server = !is_said;
        drop(now);
        tell(line);
    }

    /// `more` is for the log alone, where there is no delay.
    fn drain_within(&self, delay: Duration, why: impl fmt::Display, more: &str) {
        let why = self.tidy(why);
        let stop_at = Instant::now() + delay;
        let mut now = self.now();
        let begun = *self.shared.stop_at.borrow();
        let line = match begun {
            None => {
                self.shared.signals.background.rest();
                now.is_explicit = true;
                now.drained_by = Some(why.clone());
                now.drained_at = Some(Instant::now());
                let served = if delay.is_zero() {
                    format!("servers stop now{more}")
                } else {
                    let delay = humantime::format_duration(delay);
                    format!("requests are served for {delay} before servers stop")
                };
                let why = format!("draining after {why}");
                if now.state == AvailabilityState::Broken {
                    Some((false, format!("{why}: {served}")))
                } else {
                    self.put(&mut now, AvailabilityState::Refusing, Some(why), &served)
                }
            }
            Some(earlier) if stop_at < earlier => {
                Some((false, format!("servers stop now, without further delay: {why}{more}")))
            }
            Some(_) => return,
        };
        self.shared.stop_at.send_replace(Some(stop_at));
        drop(now);
        self.shared.signals.advance();
        tell(line);
    }

    /// Gives the line that tells of a change. `more` is for the log alone.
    fn put(
        &self,
        now: &mut Now,
        state: AvailabilityState,
        why: Option<String>,
        more: &str,
    ) -> Line {
        let before = std::mem::replace(&mut now.state, state);
        now.has_lost_server = false;
        now.why = why.filter(|why| !why.is_empty());
        self.shared.signals.advance();
        if before == state {
            return None;
        }
        self.shared.state.send_replace(state);
        let mut line = format!("availability {before} → {state}");
        if let Some(why) = &now.why {
            line += ": ";
            line += why;
        }
        if !more.is_empty() {
            line += "; ";
            line += more;
        }
        Some((state == AvailabilityState::Broken, line))
    }

    /// What an answer says of it: nothing while all is well.
    pub(crate) fn component(&self) -> Option<Component> {
        (self.state() != AvailabilityState::Accepting).then(|| self.component_always())
    }

    /// What an answer says of it that is about it alone.
    pub(crate) fn component_always(&self) -> Component {
        static ABOUT: LazyLock<Arc<About>> = LazyLock::new(|| {
            let (name, kind) = (AVAILABILITY.to_owned(), CheckKind::Health);
            Arc::new(About { name, kind, critical: true, url: None })
        });
        let now = self.now();
        let why = now.why.as_deref().unwrap_or(now.state.as_str());
        let health = match now.state {
            AvailabilityState::Accepting => Health::up(),
            AvailabilityState::Starting | AvailabilityState::Refusing => {
                Health::out_of_service(why)
            }
            AvailabilityState::Broken => Health::down(why),
        };
        Component::said(&ABOUT, health)
    }

    fn tidy(&self, why: impl fmt::Display) -> String {
        text::tidy_with(&self.shared.signals.secrets, why)
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.shared.now.lock()
    }
}

fn tell(line: Line) {
    match line {
        Some((true, line)) => line!(WARN, "{line}"),
        Some((false, line)) => line!(INFO, "{line}"),
        None => {}
    }
}

impl fmt::Debug for Availability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Availability")
            .field("state", &self.state())
            .field("is_draining", &self.is_draining())
            .finish_non_exhaustive()
    }
}

/// A server that takes requests, from [`Availability::server`].
///
/// One that is dropped outside of a drain has ended when nobody wanted it to, and leaves the service
/// broken. For a server that no adapter of ours runs:
///
/// ```
/// use management_core::Management;
///
/// # async fn serve_until(stopping: impl Future<Output = ()>) { stopping.await }
/// async fn run(management: &Management) {
///     let availability = management.availability();
///     let server = availability.server(); // the service accepts requests from now on
///     serve_until(availability.stopping()).await;
///     drop(server);
/// }
/// ```
#[derive(Debug)]
#[must_use = "a server that is dropped leaves the service broken"]
pub struct Server {
    availability: Availability,
}

impl Drop for Server {
    fn drop(&mut self) {
        if !self.availability.is_draining() {
            self.availability.lose_server();
        }
        self.availability.shared.servers.send_modify(|servers| *servers -= 1);
    }
}
