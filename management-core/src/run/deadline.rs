//! When a run is overdue, and the end of such a run.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{Instant, sleep_until};

use crate::run::blocked::Found;
use crate::run::pulse::PATIENCE;
use crate::run::runner::{Runner, Value};
use crate::run::state::{Begun, Run, State};

/// How much later others end a run than its own task, which does so unless the run blocks its thread.
const TOLERANCE: Duration = Duration::from_millis(10);

/// How long a run has at least after a stall: all tasks of the runtime are due then, and the run may be the last of them.
const TURN: Duration = Duration::from_millis(500);

/// How long others wait for the runtime to run a task before they look again.
const CONFIRMATION: Duration = Duration::from_millis(1);

impl<V: Value> Runner<V> {
    /// Records the first poll of a run, with which its deadline begins. Returns the deadline on a runtime that runs tasks
    /// all the time.
    pub(super) fn begin_deadline(&self, id: u64) -> Option<Instant> {
        let now = Instant::now();
        let deadline = now + self.plan.timeout;
        let not_counted = self.runtimes().stalls(now).total;
        let mut state = self.lock();
        let run = state.run.as_mut().filter(|run| run.id == id)?;
        run.begun = Some(Begun { at: now, deadline, not_counted });
        let is_late = run.spawned + PATIENCE <= now;
        drop(state);
        if is_late {
            // Requests that wait do not know the deadline yet.
            self.changed.notify_waiters();
        }
        Some(deadline)
    }

    /// The deadline of a run that has begun. Time in which the runtime runs no task does not count, unless the run is
    /// the reason for that.
    fn deadline(&self, begun: Begun, now: Instant) -> Instant {
        if !self.can_be_stalled() {
            return begun.deadline;
        }
        let stalls = self.runtimes().stalls(now);
        let stalled = stalls.total.saturating_sub(begun.not_counted);
        let deadline = begun.deadline + stalled;
        match stalls.ended {
            // The run has to have a turn, however late the stall was noticed.
            Some(ended) if !stalled.is_zero() && begun.at < ended => deadline.max(ended + TURN),
            _ => deadline,
        }
    }

    /// Whether something else can keep the runtime from polling the run.
    fn can_be_stalled(&self) -> bool {
        // A blocking job is on the thread of the endpoints.
        self.runtimes().have_endpoints()
            && !self.job.is_blocking()
            && self.polling.since().is_none()
    }

    /// Counts time in which a run kept its thread, even if nothing else could run meanwhile.
    pub(super) fn count_poll(&self, id: u64, took: Duration) {
        if took < PATIENCE {
            return;
        }
        let mut state = self.lock();
        let run = state.run.as_mut().filter(|run| run.id == id);
        if let Some(begun) = run.and_then(|run| run.begun.as_mut()) {
            begun.not_counted += took;
        }
    }

    /// When others end a run, unless it ends before; `None` before its first poll.
    pub(super) fn overdue(&self, run: &Run, now: Instant) -> Option<Instant> {
        let begun = run.begun?;
        let overdue = self.deadline(begun, now) + TOLERANCE;
        if now < overdue || !self.can_be_stalled() || self.runtimes().have_run_since(begun.deadline)
        {
            return Some(overdue);
        }
        // Either the run is late or its runtime is. An empty task decides.
        let is_stalled = self.runtimes().ping().is_none_or(|since| since + PATIENCE <= now);
        Some(now + if is_stalled { PATIENCE } else { CONFIRMATION })
    }

    /// The deadline of a run that ends now, if it has passed.
    pub(super) fn missed_deadline(&self, id: u64, now: Instant) -> Option<Instant> {
        let state = self.lock();
        let begun = state.run.as_ref().filter(|run| run.id == id)?.begun?;
        Some(self.deadline(begun, now)).filter(|deadline| *deadline < now)
    }

    /// The deadline of a run, if it is in the future.
    pub(super) fn later_deadline(&self, id: u64) -> Option<Instant> {
        let now = Instant::now();
        let state = self.lock();
        let begun = state.run.as_ref().filter(|run| run.id == id)?.begun?;
        Some(self.deadline(begun, now)).filter(|deadline| now < *deadline)
    }

    /// The run in flight, if others have to end it now.
    pub(super) fn overdue_run(&self, state: &State<V>, now: Instant) -> Option<u64> {
        let run = state.run.as_ref()?;
        self.overdue(run, now).filter(|overdue| *overdue <= now).map(|_| run.id)
    }

    /// Ends the run in flight if its deadline has passed and no request has ended it.
    pub(crate) fn end_overdue(&self, now: Instant) {
        let overdue = self.overdue_run(&self.lock(), now);
        if let Some(id) = overdue {
            self.time_out(id);
        }
    }

    /// Ends a run from outside when its deadline has passed.
    pub(super) fn time_out(&self, id: u64) {
        if self.lock().run.as_ref().is_none_or(|run| run.id != id) {
            return;
        }
        self.look_at(id, Found::Overdue);
        let now = Instant::now();
        let mut state = self.lock();
        let Some(run) = state.run.as_mut().filter(|run| run.id == id) else { return };
        let Some(begun) = run.begun else { return };
        let (task, failure) = (run.task.take(), run.current.timed_out());
        let deadline = self.deadline(begun, now);
        drop(state);
        // A task that occupies its thread is not expected to end.
        let is_blocked = self.polling.since().is_some();
        let leaves = if is_blocked { deadline } else { deadline + self.plan.timeout };
        self.finish(id, Err(failure), deadline, Some(leaves));
        if let Some(task) = task {
            task.abort();
        }
    }

    /// Ends a blocking run at its deadline. Its own task cannot, and the next request may come much later.
    pub(super) fn time_out_later(self: &Arc<Self>, id: u64) {
        let state = self.lock();
        let run = state.run.as_ref().filter(|run| run.id == id);
        let overdue = run.and_then(|run| self.overdue(run, Instant::now()));
        drop(state);
        if let (Some(overdue), Ok(runtime)) = (overdue, Handle::try_current()) {
            let runner = Arc::downgrade(self);
            runtime.spawn(async move {
                sleep_until(overdue).await;
                if let Some(runner) = runner.upgrade() {
                    runner.end_overdue(Instant::now());
                }
            });
        }
    }
}
