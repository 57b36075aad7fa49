//! Whether a runtime runs tasks.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::sync::Mutex;

/// How long a run may take to begin, or an empty task to run, before their runtime counts as stalled for a request.
/// The request then uses the last result instead of waiting for its whole budget.
pub(super) const PATIENCE: Duration = Duration::from_millis(50);

/// How late a task may run before its runtime counts as stalled.
pub(crate) const STALLED_AFTER: Duration = Duration::from_secs(1);

/// Empty tasks on a runtime, one at a time.
#[derive(Debug, Default)]
pub(crate) struct Pulse {
    tasks: Mutex<Tasks>,
    ran: Notify,
}

#[derive(Debug, Default)]
struct Tasks {
    /// When the task that has not run yet was scheduled.
    waiting_since: Option<Instant>,
    /// Distinguishes that task from those of an earlier runtime.
    task: u64,
    /// Whether the runtime has dropped that task.
    is_dropped: bool,
    /// When the last task that has run was scheduled.
    last_sent: Option<Instant>,
    /// When the watchdog looked last, while it looks often.
    watched_at: Option<Instant>,
    stalls: Stalls,
}

/// For how long tasks were late.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stalls {
    /// All the time together.
    pub(super) total: Duration,
    /// When the last task ran that was late.
    pub(super) ended: Option<Instant>,
}

impl Pulse {
    /// Schedules a task, unless one has not run yet. Returns when that task was scheduled; `None` if the runtime has
    /// dropped it, and runs no task any more.
    pub(super) fn send(self: &Arc<Self>, runtime: &Handle) -> Option<Instant> {
        let mut tasks = self.tasks.lock();
        if let Some(since) = tasks.waiting_since {
            return (!tasks.is_dropped).then_some(since);
        }
        let since = Instant::now();
        tasks.waiting_since = Some(since);
        tasks.is_dropped = false;
        tasks.task += 1;
        let sent = Sent { pulse: Arc::clone(self), task: tasks.task };
        drop(tasks);
        // A runtime that has shut down drops it at once.
        runtime.spawn(async move { sent.receive() });
        let tasks = self.tasks.lock();
        (!tasks.is_dropped).then_some(since)
    }

    /// When the task that has not run yet was scheduled, if there is one.
    pub(crate) fn waiting_since(&self) -> Option<Instant> {
        self.tasks.lock().waiting_since
    }

    /// Whether a task has run that was scheduled at this time or later.
    pub(super) fn has_run_since(&self, time: Instant) -> bool {
        self.tasks.lock().last_sent.is_some_and(|sent| time <= sent)
    }

    /// The stalls so far, including the present one.
    pub(super) fn stalls(&self, now: Instant) -> Stalls {
        let tasks = self.tasks.lock();
        let mut stalls = tasks.stalls;
        stalls.total += tasks.lateness(now).or_else(|| tasks.gap(now)).unwrap_or_default();
        stalls
    }

    /// Records that the watchdog looks now, and whether it will soon look again. Time in which it could not look counts as
    /// a stall: the whole process was stopped, or had no processor.
    pub(crate) fn watch(&self, now: Instant, often: bool) {
        let mut tasks = self.tasks.lock();
        // The task that waits has the whole time.
        if tasks.waiting_since.is_none()
            && let Some(gap) = tasks.gap(now)
        {
            tasks.stalls.total += gap;
            tasks.stalls.ended = Some(now);
        }
        tasks.watched_at = often.then_some(now);
    }

    /// Ready when a task has run since the last call.
    pub(crate) async fn ran(&self) {
        self.ran.notified().await;
    }

    /// Waits for no task any more: the runtime is another one.
    pub(super) fn forget(&self) {
        self.tasks.lock().end(Instant::now());
        self.ran.notify_one();
    }

    /// Waits for a task that never runs: the runtime has gone.
    pub(super) fn lose(&self) {
        let mut tasks = self.tasks.lock();
        tasks.waiting_since.get_or_insert_with(Instant::now);
        tasks.is_dropped = true;
    }
}

impl Tasks {
    /// How late the task is that has not run yet, if it is late.
    fn lateness(&self, now: Instant) -> Option<Duration> {
        let waited = now.saturating_duration_since(self.waiting_since?);
        (waited >= PATIENCE).then_some(waited)
    }

    /// For how long the watchdog has not looked, if that is longer than it intends.
    fn gap(&self, now: Instant) -> Option<Duration> {
        let passed = now.saturating_duration_since(self.watched_at?);
        (passed >= 3 * PATIENCE).then_some(passed)
    }

    /// Records that the task has run, or is not waited for.
    fn end(&mut self, now: Instant) {
        if let Some(late) = self.lateness(now) {
            self.stalls.total += late;
            self.stalls.ended = Some(now);
            self.watched_at = self.watched_at.map(|_| now);
        }
        self.waiting_since = None;
        self.is_dropped = false;
    }
}

/// A task that has not run yet.
struct Sent {
    pulse: Arc<Pulse>,
    task: u64,
}

impl Sent {
    fn receive(&self) {
        let mut tasks = self.pulse.tasks.lock();
        if tasks.task == self.task {
            tasks.last_sent = tasks.waiting_since.or(tasks.last_sent);
            tasks.end(Instant::now());
        }
        drop(tasks);
        self.pulse.ran.notify_one();
    }
}

impl Drop for Sent {
    fn drop(&mut self) {
        let mut tasks = self.pulse.tasks.lock();
        // It was dropped with its runtime.
        if tasks.task == self.task && tasks.waiting_since.is_some() {
            tasks.is_dropped = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_watchdog_that_could_not_look_counts_as_a_stall() {
        let (pulse, begun) = (Pulse::default(), Instant::now());
        pulse.watch(begun, true);
        // It looks again in time.
        pulse.watch(begun + PATIENCE, true);
        assert_eq!(pulse.stalls(begun + 2 * PATIENCE).total, Duration::ZERO);
        // The process is stopped. The first to run again may be a run, or the watchdog.
        let continued = begun + PATIENCE + 2 * SECOND;
        assert_eq!(pulse.stalls(continued).total, 2 * SECOND);
        pulse.watch(continued, true);
        let stalls = pulse.stalls(continued);
        assert_eq!((stalls.total, stalls.ended), (2 * SECOND, Some(continued)));
        // Without a run in flight, it is not expected to look for a second.
        pulse.watch(continued, false);
        assert_eq!(pulse.stalls(continued + SECOND).total, 2 * SECOND);
    }

    #[test]
    fn a_task_that_waits_and_a_watchdog_that_does_not_look_count_once() {
        let (pulse, begun) = (Pulse::default(), Instant::now());
        pulse.watch(begun, true);
        pulse.tasks.lock().waiting_since = Some(begun);
        let continued = begun + 2 * SECOND;
        assert_eq!(pulse.stalls(continued).total, 2 * SECOND);
        pulse.watch(continued, true);
        pulse.tasks.lock().end(continued);
        pulse.watch(continued, true);
        assert_eq!(pulse.stalls(continued).total, 2 * SECOND);
    }
}
