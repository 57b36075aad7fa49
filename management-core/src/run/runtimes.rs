//! The runtimes of a `Management`: one runs the checks, and one may serve the endpoints.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::line::line;
use crate::run::pulse::{Pulse, STALLED_AFTER, Stalls};
use crate::sync::RwLock;

/// The runtime on which checks run, and that of the thread of the endpoints.
#[derive(Debug, Default)]
pub(crate) struct Runtimes {
    /// The runtime of the application; `None` until one is known, and once it has gone.
    application: RwLock<Option<Handle>>,
    /// The runtime of the thread that serves the endpoints, while there is such a thread.
    endpoints: watch::Sender<Option<Handle>>,
    pulse: Arc<Pulse>,
    /// Whether it was logged that nobody drives the runtime of the application.
    has_warned: AtomicBool,
}

impl Runtimes {
    /// Runs checks on this runtime, unless another one is known that has not shut down.
    pub(crate) fn adopt(&self, runtime: Handle) {
        if self.is_of_endpoints(&runtime) {
            return;
        }
        let mut application = self.application.write();
        if application.as_ref().is_none_or(has_shut_down) {
            *application = Some(runtime);
            self.pulse.forget();
        }
    }

    /// Like [`adopt`](Self::adopt) for the current runtime, if there is one.
    pub(crate) fn adopt_current(&self) {
        if let Ok(runtime) = Handle::try_current() {
            self.adopt(runtime);
        }
    }

    /// The runtime of a new run: that of the application, else the current one.
    pub(crate) fn for_runs(&self) -> Option<Handle> {
        let application = self.application.read().clone();
        application.or_else(|| {
            let current = Handle::try_current().ok()?;
            if self.is_of_endpoints(&current) {
                return None;
            }
            if self.have_endpoints() {
                // Requests to the endpoints need it, too.
                self.adopt(current.clone());
            }
            Some(current)
        })
    }

    /// The runtime of timers and of work that needs no runtime of the application.
    pub(crate) fn for_timers(&self) -> Option<Handle> {
        let endpoints = self.endpoints.borrow().clone();
        endpoints.or_else(|| self.for_runs())
    }

    /// Calls a function that makes a timer, which then belongs to the thread of the endpoints if there is one: the current
    /// runtime may have no timers.
    pub(super) fn with_timers<T>(&self, make: impl FnOnce() -> T) -> T {
        let endpoints = self.endpoints.borrow().clone();
        let _entered = endpoints.as_ref().map(Handle::enter);
        make()
    }

    /// Records that a runtime has gone. The next run is on the runtime of whoever asks for it.
    pub(crate) fn forget(&self, gone: &Handle) {
        let mut application = self.application.write();
        if application.as_ref().is_some_and(|known| known.id() == gone.id()) {
            *application = None;
            // Until there is another one, no task runs.
            self.pulse.lose();
        }
    }

    /// Whether a runtime of the application is known.
    pub(crate) fn is_known(&self) -> bool {
        self.application.read().is_some()
    }

    pub(crate) fn set_endpoints(&self, runtime: Option<Handle>) {
        self.endpoints.send_replace(runtime);
    }

    /// Notices when the thread of the endpoints starts or ends, from now on.
    pub(super) fn watch_endpoints(&self) -> watch::Receiver<Option<Handle>> {
        self.endpoints.subscribe()
    }

    /// Whether there is a thread of the endpoints. Deadlines are then watched from there, so that the runtime of
    /// the application needs no timers.
    pub(crate) fn have_endpoints(&self) -> bool {
        self.endpoints.borrow().is_some()
    }

    /// Whether this is the thread of the endpoints.
    pub(crate) fn is_on_endpoints(&self) -> bool {
        Handle::try_current().is_ok_and(|current| self.is_of_endpoints(&current))
    }

    /// The runtime of the thread of the endpoints, if there is such a thread and this is another one.
    pub(crate) fn elsewhere(&self) -> Option<Handle> {
        let endpoints = self.endpoints.borrow().clone()?;
        (!self.is_on_endpoints()).then_some(endpoints)
    }

    fn is_of_endpoints(&self, runtime: &Handle) -> bool {
        self.endpoints.borrow().as_ref().is_some_and(|endpoints| endpoints.id() == runtime.id())
    }

    /// Schedules an empty task on the runtime of the application, unless the last one has not run yet. Returns
    /// since when it is waited for; `None` if no runtime is known.
    pub(crate) fn ping(&self) -> Option<Instant> {
        let application = self.application.read().clone();
        if let Some(runtime) = application {
            let sent = self.pulse.send(&runtime);
            if sent.is_some() {
                return sent;
            }
            self.forget(&runtime);
        }
        // The task of a runtime that has gone never runs.
        self.pulse.waiting_since()
    }

    /// Logs once that runs cannot begin on the runtime of the application, if the request comes from another one. With
    /// a thread of the endpoints, the watchdog logs that.
    pub(super) fn warn_of_idle(&self) {
        let is_another = || {
            let application = self.application.read();
            let known = application.as_ref().map(Handle::id);
            Handle::try_current().is_ok_and(|current| known.is_some_and(|id| id != current.id()))
        };
        if !self.have_endpoints() && is_another() && !self.has_warned.swap(true, Ordering::Relaxed)
        {
            line!(
                WARN,
                [runtime = "idle"],
                "no check can run: the runtime that was current at `build()` runs no task; if it is not that of the \
                 application, call `build()` in the application's runtime or give its handle to `.runtime(…)`",
            );
        }
    }

    /// For how long the runtime of the application was stalled so far.
    pub(super) fn stalls(&self, now: Instant) -> Stalls {
        self.pulse.stalls(now)
    }

    /// When the runtime of the application counts as stalled for everybody, if it runs no task before.
    pub(super) fn long_stalled_at(&self) -> Option<Instant> {
        Some(self.pulse.waiting_since()? + STALLED_AFTER)
    }

    /// Whether the runtime of the application has run a task that was scheduled at this time or later.
    pub(super) fn have_run_since(&self, time: Instant) -> bool {
        self.pulse.has_run_since(time)
    }

    pub(crate) fn pulse(&self) -> &Arc<Pulse> {
        &self.pulse
    }
}

/// Whether the runtime spawns no tasks any more.
fn has_shut_down(runtime: &Handle) -> bool {
    let task = runtime.spawn(pending::<()>());
    // Such a runtime drops the task at once.
    let is_dropped = task.is_finished();
    task.abort();
    is_dropped
}
