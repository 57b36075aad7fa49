//! Notices runs that block their thread, and logs them.

use std::time::Duration;

use tokio::time::Instant;

use crate::line::{line, milliseconds};
use crate::run::blocked::Found;
use crate::run::runner::{Runner, Value};

/// How long a run has its thread before it counts as blocking. A busy machine delays no thread for so long.
const BLOCKED_AFTER: Duration = Duration::from_millis(500);

/// Guards the time in which a run occupies its thread.
pub(super) struct Thread<'a, V: Value> {
    runner: &'a Runner<V>,
    run: u64,
    since: Instant,
}

impl<V: Value> Drop for Thread<'_, V> {
    fn drop(&mut self) {
        let took = self.since.elapsed();
        self.runner.count_poll(self.run, took);
        self.runner.polling.set(None);
        self.runner.warn_of_block(self.run, took, Found::Late);
    }
}

impl<V: Value> Runner<V> {
    /// Records that a run occupies its thread until the guard is dropped.
    pub(super) fn thread(&self, run: u64) -> Thread<'_, V> {
        let since = Instant::now();
        self.polling.set(Some(since));
        Thread { runner: self, run, since }
    }

    /// Logs that a run blocks its thread, if it does. Another thread calls this, since the blocked one cannot.
    /// Returns whether this call is the first to find it.
    pub(super) fn look_at(&self, run: u64, found: Found) -> bool {
        let since = self.polling.since();
        since.is_some_and(|since| self.warn_of_block(run, since.elapsed(), found))
    }

    /// Logs that a run has blocked its thread, if it took long enough. Returns whether this call is the first
    /// to find it.
    fn warn_of_block(&self, run: u64, blocked: Duration, found: Found) -> bool {
        if blocked < BLOCKED_AFTER {
            return false;
        }
        let mut state = self.lock();
        let is_first = !state.blocked.is(run);
        let is_new = state.blocked.found(run, found);
        drop(state);
        if is_new {
            self.log_block(blocked);
        }
        is_first
    }

    #[cold]
    fn log_block(&self, blocked: Duration) {
        // Tenths of a second are precise enough.
        let tenths = u64::try_from((blocked.as_millis() + 50) / 100).unwrap_or(u64::MAX);
        line!(
            WARN,
            [
                check = self.label.check(),
                provider = self.label.provider(),
                blocked_ms = milliseconds(blocked),
            ],
            "{} has blocked its thread for {}: move blocking code to a check function without `async` or to \
             `Check::blocking`, which get threads of their own",
            self.label,
            humantime::format_duration(Duration::from_millis(tenths.saturating_mul(100))),
        );
    }
}
