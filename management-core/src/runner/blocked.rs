//! Runs that block their thread, although they are futures.

use std::future::poll_fn;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Instant;

use super::{Runner, Value};
use crate::log::line;

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
pub(crate) async fn requeue() {
    let mut turn = Turn::default();
    poll_fn(|cx| turn.poll(cx)).await;
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

struct Reset<'a>(&'a Polling);

impl Drop for Reset<'_> {
    fn drop(&mut self) {
        self.0.set(None);
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
    /// Runs what may block the thread of a run, and returns when that ended.
    pub(super) fn with_thread<T>(&self, run: u64, work: impl FnOnce() -> T) -> (T, Instant) {
        let begun = Instant::now();
        self.polling.set(Some(begun));
        // What is dropped may panic.
        let reset = Reset(&self.polling);
        let done = work();
        drop(reset);
        let ended = Instant::now();
        self.warn_of_block(run, ended - begun, Found::Late);
        (done, ended)
    }

    /// Logs that a run blocks its thread, if it does. Another thread calls this: the run's own one cannot.
    pub(super) fn look_at(&self, run: u64, found: Found) {
        if let Some(since) = self.polling.since() {
            self.warn_of_block(run, since.elapsed(), found);
        }
    }

    fn warn_of_block(&self, run: u64, blocked: Duration, found: Found) {
        if blocked < BLOCKED_AFTER || !self.lock().blocked.found(run, found) {
            return;
        }
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
