//! Runs that block their thread, although they are futures.

use std::future::poll_fn;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::yield_now;
use tokio::time::Instant;

use super::{Runner, Value};
use crate::line::line;

/// No thread that merely waits for a busy machine is held up for so long.
const BLOCKED_AFTER: Duration = Duration::from_millis(500);

/// Lets a task go through its runtime's queue before it goes on.
///
/// Workers steal from that queue, and one of them is woken for it. [`tokio::task::yield_now`] leaves the task
/// with its own worker, where it waits for as long as a check blocks that worker.
#[derive(Default)]
pub(super) struct Turn {
    is_queued: bool,
}

impl Turn {
    /// Ready at every second call.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.is_queued = !self.is_queued;
        if self.is_queued {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    }
}

/// Goes through the runtime's queue once, as [`Turn`] says.
pub(super) async fn requeue() {
    let mut turn = Turn::default();
    poll_fn(|cx| turn.poll(cx)).await;
}

/// Lets other tasks run first: those of the runs that have just begun.
pub(crate) async fn give_way() {
    if Handle::try_current().is_ok_and(|runtime| has_workers(&runtime)) {
        requeue().await;
    } else {
        yield_now().await;
    }
}

/// Whether a task can go on while another one blocks its thread.
pub(super) fn has_workers(runtime: &Handle) -> bool {
    runtime.runtime_flavor() != RuntimeFlavor::CurrentThread
}

/// Since when a run has had its thread, while it has one.
#[derive(Default)]
pub(super) struct Polling(Mutex<Option<Instant>>);

impl Polling {
    fn since(&self) -> Option<Instant> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, since: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }
}

/// A run that has its thread, for as long as this lives.
pub(super) struct Thread<'a, V: Value> {
    runner: &'a Runner<V>,
    run: u64,
    since: Instant,
}

impl<V: Value> Drop for Thread<'_, V> {
    fn drop(&mut self) {
        let now = Instant::now();
        self.runner.polling.set(None);
        self.runner.warn_of_block(self.run, now - self.since, Found::Late);
    }
}

/// When a run was found to block its thread.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
pub(super) enum Found {
    /// Somebody could not wait any longer, or the run gave its thread back.
    Late,
    /// The run was past its deadline.
    Overdue,
}

/// Which run was found to block its thread, and what the log has of it.
#[derive(Default)]
pub(super) struct Blocked {
    run: u64,
    logged: Option<Found>,
}

impl Blocked {
    pub(super) fn is(&self, run: u64) -> bool {
        self.run == run
    }

    /// Takes note of a run that has ended: after one that did not block, the next one that does is news.
    pub(super) fn ended(&mut self, run: u64) {
        if !self.is(run) {
            *self = Blocked::default();
        }
    }

    /// Takes note of a run that blocks, and returns whether that is news.
    fn found(&mut self, run: u64, found: Found) -> bool {
        self.run = run;
        let is_news = self.logged < Some(found);
        if is_news {
            self.logged = Some(found);
        }
        is_news
    }
}

impl<V: Value> Runner<V> {
    /// A run has its thread until this is dropped.
    pub(super) fn thread(&self, run: u64) -> Thread<'_, V> {
        let since = Instant::now();
        self.polling.set(Some(since));
        Thread { runner: self, run, since }
    }

    /// Logs that a run blocks its thread, if it does. Another thread calls this: the run's own one cannot.
    /// Returns whether this is the first to find that.
    pub(super) fn look_at(&self, run: u64, found: Found) -> bool {
        let since = self.polling.since();
        since.is_some_and(|since| self.warn_of_block(run, since.elapsed(), found))
    }

    /// Logs that a run has blocked its thread, if that took long enough. Returns whether this is the first
    /// to find that.
    fn warn_of_block(&self, run: u64, blocked: Duration, found: Found) -> bool {
        if blocked < BLOCKED_AFTER {
            return false;
        }
        let mut state = self.lock();
        let is_first = !state.blocked.is(run);
        let is_news = state.blocked.found(run, found);
        drop(state);
        if is_news {
            self.log_block(blocked);
        }
        is_first
    }

    #[cold]
    fn log_block(&self, blocked: Duration) {
        // Nobody wants to know it to the millisecond.
        let tenths = u64::try_from((blocked.as_millis() + 50) / 100).unwrap_or(u64::MAX);
        line!(
            WARN,
            "{} has blocked its thread for {}: move blocking code to a check function without `async` or to \
             `Check::blocking`, which get threads of their own",
            self.what,
            humantime::format_duration(Duration::from_millis(tenths.saturating_mul(100))),
        );
    }
}
