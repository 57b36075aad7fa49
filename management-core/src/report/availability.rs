//! Whether the service accepts requests, and how it shuts down.

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
use crate::report::availability_line::Line;
use crate::report::availability_state::AvailabilityState;
use crate::report::component::Component;
use crate::report::signals::Signals;
use crate::sync::Mutex;
use crate::text;

/// Whether a service accepts requests, independently of its checks, and how it shuts down.
///
/// [`Management::availability`](crate::Management::availability) returns it. Clones are cheap and share one state.
///
/// The initial state is *accepting*. It is *starting* with [`Builder::starting`](crate::Builder::starting), and
/// while a server such as `management_axum::run` is expected that does not accept connections yet. Each change
/// is logged once.
///
/// In every state except *accepting*, answers have a component `availability`. As any other component, it can be
/// left out with `?exclude=availability`.
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
    /// Not held while something is formatted or logged: that may block, or call back into this.
    now: Mutex<Now>,
    /// When servers stop accepting connections; `None` until a drain begins.
    stop_at: watch::Sender<Option<Instant>>,
    /// Whether servers cut requests in flight.
    cut: watch::Sender<bool>,
    /// The number of servers that accept requests.
    servers: watch::Sender<usize>,
    drain_delay: Duration,
    drain_timeout: Duration,
    signals: Arc<Signals>,
}

/// The state and its reason.
struct Now {
    state: AvailabilityState,
    why: Option<String>,
    /// Whether the state was set by a call; the initial *accepting* is a default.
    is_explicit: bool,
    drained_by: Option<String>,
    drained_at: Option<Instant>,
    /// Whether servers were told to cut requests in flight.
    is_cut: bool,
    /// Whether the service is broken because a server ended. The next server repairs that.
    has_lost_server: bool,
    /// Whether a change during the drain was logged as ignored.
    warned_late: bool,
}

impl Availability {
    pub(crate) fn new(
        is_starting: bool,
        drain_delay: Duration,
        drain_timeout: Duration,
        signals: Arc<Signals>,
    ) -> Self {
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
                is_cut: false,
                warned_late: false,
            }),
            stop_at: watch::Sender::new(None),
            cut: watch::Sender::new(false),
            servers: watch::Sender::new(0),
            drain_delay,
            drain_timeout,
            signals,
        };
        Availability { shared: Arc::new(shared) }
    }

    /// The current state.
    pub fn state(&self) -> AvailabilityState {
        *self.shared.state.borrow()
    }

    /// Returns a receiver of [`tokio::sync::watch`] with the current state and each later change.
    pub fn subscribe(&self) -> watch::Receiver<AvailabilityState> {
        self.shared.state.subscribe()
    }

    /// Sets the state to *starting*: the service does not accept requests yet.
    ///
    /// A drain cannot be undone: during a drain, this has no effect.
    pub fn starting(&self) {
        self.set(AvailabilityState::Starting, None);
    }

    /// Sets the state to *accepting*, also if the service was *broken*.
    ///
    /// A drain cannot be undone: during a drain, this has no effect.
    pub fn accepting(&self) {
        self.set(AvailabilityState::Accepting, None);
    }

    /// Sets the state to *refusing*: the service does not accept requests for now, for instance during
    /// maintenance.
    pub fn refusing(&self, why: impl fmt::Display) {
        self.set(AvailabilityState::Refusing, Some(self.tidy(why)));
    }

    /// Sets the state to *broken*: only a restart helps. Liveness becomes `DOWN`, and Kubernetes restarts the
    /// container.
    pub fn broken(&self, why: impl fmt::Display) {
        self.set(AvailabilityState::Broken, Some(self.tidy(why)));
    }

    /// Begins a drain, as SIGTERM does under `management_axum::run`.
    ///
    /// - The state becomes *refusing* and stays so.
    /// - After [`drain_delay`](Self::drain_delay), [`stopping`](Self::stopping) is ready and servers stop
    ///   accepting connections.
    /// - Checks in the background pause, so that resources which the service closes cause no alarm.
    /// - Readiness and `/health` no longer wait for checks. They show the last results and are `OUT_OF_SERVICE`, or
    ///   `DOWN` if a check was `DOWN`.
    ///
    /// `why` names the cause, such as a signal. Further calls have no effect.
    pub fn drain(&self, why: impl fmt::Display) {
        self.drain_within(self.shared.drain_delay, why, "");
    }

    /// Ends the delay of a drain, or begins a drain without a delay, as Ctrl-C does.
    pub fn stop(&self, why: impl fmt::Display) {
        self.drain_within(Duration::ZERO, why, "");
    }

    /// Ends a drain: servers cut the requests that are still in flight, and [`cutting`](Self::cutting) is ready.
    /// Begins a drain without a delay if there is none.
    ///
    /// `why` names the cause. Further calls have no effect.
    pub fn cut(&self, why: impl fmt::Display) {
        let why = self.tidy(why);
        self.stop(&why);
        let was_cut = std::mem::replace(&mut self.now().is_cut, true);
        if !was_cut {
            // Before the servers know it, since the process may end as soon as they do.
            line!(INFO, [reason = why.clone()], "servers cut what is in flight: {why}");
            self.shared.cut.send_replace(true);
        }
    }

    /// Returns a future that is ready when [`cut`](Self::cut) is called.
    pub fn cutting(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut cut = self.shared.cut.subscribe();
        // Keeps the sender alive.
        let shared = Arc::clone(&self.shared);
        async move {
            let _shared = shared;
            _ = cut.wait_for(|is_cut| *is_cut).await;
        }
    }

    /// Whether a drain has begun.
    pub fn is_draining(&self) -> bool {
        self.shared.stop_at.borrow().is_some()
    }

    /// For how long requests are served after a drain has begun, as
    /// [`Builder::drain_delay`](crate::Builder::drain_delay) sets it.
    pub fn drain_delay(&self) -> Duration {
        self.shared.drain_delay
    }

    /// For how long servers that have stopped accepting connections may answer requests in flight, as
    /// [`Builder::drain_timeout`](crate::Builder::drain_timeout) sets it.
    pub fn drain_timeout(&self) -> Duration {
        self.shared.drain_timeout
    }

    /// The cause of the drain, if a drain has begun.
    pub fn drain_reason(&self) -> Option<String> {
        self.now().drained_by.clone()
    }

    /// The time since the drain has begun, if it has.
    pub fn drain_elapsed(&self) -> Option<Duration> {
        self.now().drained_at.map(|at| at.elapsed())
    }

    /// Returns a future that is ready when a drain has begun and its delay is over: servers stop accepting
    /// connections.
    pub fn stopping(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut stop_at = self.shared.stop_at.subscribe();
        // Keeps the sender alive.
        let shared = Arc::clone(&self.shared);
        async move {
            let _shared = shared;
            loop {
                let at = *stop_at.borrow_and_update();
                match at {
                    Some(at) if at <= Instant::now() => return,
                    Some(at) => {
                        let sooner = pin!(stop_at.changed());
                        // After the deadline as after a change, the loop looks at the value.
                        _ = timeout_at(at, sooner).await;
                    }
                    None => _ = stop_at.changed().await,
                }
            }
        }
    }

    /// When servers stop accepting connections; `None` until a drain begins.
    pub(crate) fn stop_at(&self) -> watch::Receiver<Option<Instant>> {
        self.shared.stop_at.subscribe()
    }

    /// Whether a drain has begun and its delay is over.
    pub(crate) fn is_stopping(&self) -> bool {
        self.shared.stop_at.borrow().is_some_and(|at| at <= Instant::now())
    }

    /// Begins a drain, without a delay if `is_urgent`. `more` is appended to the log line of a drain without a
    /// delay.
    pub(crate) fn drain_on_signal(&self, name: &str, is_urgent: bool, more: &str) {
        let delay = if is_urgent { Duration::ZERO } else { self.shared.drain_delay };
        self.drain_within(delay, name, more);
    }

    /// Ready when no server accepts requests.
    pub(crate) fn servers_ended(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut servers = self.shared.servers.subscribe();
        // Keeps the sender alive.
        let shared = Arc::clone(&self.shared);
        async move {
            let _shared = shared;
            _ = servers.wait_for(|servers| *servers == 0).await;
        }
    }

    /// Sets the state to *starting* until a server accepts requests, unless a call has set the state.
    ///
    /// The change is not logged: no call has set the service to accepting before.
    pub(crate) fn expect_server(&self) {
        let mut now = self.now();
        if !now.is_explicit && *self.shared.servers.borrow() == 0 {
            let why = Some("waiting for the server".to_owned());
            self.put(&mut now, AvailabilityState::Starting, why, "");
        }
    }

    /// Makes the default *accepting* explicit, so that [`expect_server`](Self::expect_server) does not replace it.
    pub(crate) fn confirm_accepting(&self) {
        let mut now = self.now();
        now.is_explicit |= now.state == AvailabilityState::Accepting;
    }

    /// Counts a server that accepts requests, which ends the start.
    pub(crate) fn add_server(&self) {
        self.shared.servers.send_modify(|servers| *servers += 1);
        let mut now = self.now();
        let is_awaited = now.state == AvailabilityState::Starting || now.has_lost_server;
        let line = (is_awaited && !self.is_draining())
            .then(|| self.put(&mut now, AvailabilityState::Accepting, None, ""));
        drop(now);
        log(line.flatten());
    }

    /// Counts a server as ended. Without a drain, the service is broken.
    pub(crate) fn remove_server(&self) {
        if !self.is_draining() {
            self.lose_server();
        }
        self.shared.servers.send_modify(|servers| *servers -= 1);
    }

    fn set(&self, state: AvailabilityState, why: Option<String>) {
        let mut now = self.now();
        now.is_explicit = true;
        let line = if !self.is_draining() || state == AvailabilityState::Broken {
            self.put(&mut now, state, why, "")
        } else if state == now.state || std::mem::replace(&mut now.warned_late, true) {
            None
        } else {
            let reason = format!("during a drain, {state} has no effect");
            let text = format!("availability stays {}: {reason}", now.state);
            Some(Line::unchanged(now.state, &reason, text))
        };
        drop(now);
        log(line);
    }

    fn lose_server(&self) {
        let mut now = self.now();
        // Another server does not repair what a call of `broken` reported.
        let was_broken = now.state == AvailabilityState::Broken && !now.has_lost_server;
        now.is_explicit = true;
        let why = Some("a server ended without a drain".to_owned());
        let line = self.put(&mut now, AvailabilityState::Broken, why, "");
        now.has_lost_server = !was_broken;
        drop(now);
        log(line);
    }

    /// `more` is appended to the log line of a drain without a delay.
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
                    Some(Line::unchanged(now.state, &why, format!("{why}: {served}")))
                } else {
                    self.put(&mut now, AvailabilityState::Refusing, Some(why), &served)
                }
            }
            Some(earlier) if stop_at < earlier => {
                let text = format!("servers stop now, without further delay: {why}{more}");
                Some(Line::unchanged(now.state, &why, text))
            }
            Some(_) => return,
        };
        self.shared.stop_at.send_replace(Some(stop_at));
        drop(now);
        self.shared.signals.advance();
        log(line);
    }

    /// Sets the state and returns the log line of the change. `more` appears only in the log.
    fn put(
        &self,
        now: &mut Now,
        state: AvailabilityState,
        why: Option<String>,
        more: &str,
    ) -> Option<Line> {
        let before = std::mem::replace(&mut now.state, state);
        now.has_lost_server = false;
        now.why = why.filter(|why| !why.is_empty());
        self.shared.signals.advance();
        if before == state {
            return None;
        }
        self.shared.state.send_replace(state);
        let mut text = format!("availability {before} → {state}");
        if let Some(why) = &now.why {
            text += ": ";
            text += why;
        }
        if !more.is_empty() {
            text += "; ";
            text += more;
        }
        Some(Line { state, previous: Some(before), reason: now.why.clone(), text })
    }

    /// The component of answers about checks; `None` while the service accepts requests.
    pub(crate) fn component(&self) -> Option<Component> {
        (self.state() != AvailabilityState::Accepting).then(|| self.component_always())
    }

    /// The component of an answer about the availability alone.
    pub(crate) fn component_always(&self) -> Component {
        static ABOUT: LazyLock<Arc<About>> = LazyLock::new(|| {
            let (name, kind) = (AVAILABILITY.to_owned(), CheckKind::Health);
            Arc::new(About { name, kind, critical: true, url: None })
        });
        let now = self.now();
        let why = now.why.as_deref().unwrap_or(now.state.default_reason());
        let health = match now.state {
            AvailabilityState::Accepting => Health::up(),
            AvailabilityState::Starting | AvailabilityState::Refusing => {
                Health::out_of_service(why)
            }
            AvailabilityState::Broken => Health::down(why),
        };
        Component::without_run(&ABOUT, health)
    }

    fn tidy(&self, why: impl fmt::Display) -> String {
        text::tidy_with(&self.shared.signals.secrets, why)
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.shared.now.lock()
    }
}

fn log(line: Option<Line>) {
    if let Some(line) = line {
        line.log();
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
