//! What is known of runs that block their thread, although they are futures.

use tokio::time::Instant;

use crate::sync::Mutex;

/// Since when a run has had its thread, while it has one.
#[derive(Default)]
pub(super) struct Polling(Mutex<Option<Instant>>);

impl Polling {
    pub(super) fn since(&self) -> Option<Instant> {
        *self.0.lock()
    }

    pub(super) fn set(&self, since: Option<Instant>) {
        *self.0.lock() = since;
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
    pub(super) fn found(&mut self, run: u64, found: Found) -> bool {
        self.run = run;
        let is_news = self.logged < Some(found);
        if is_news {
            self.logged = Some(found);
        }
        is_news
    }
}
