//! The state of runs that block their thread although they are futures.

use tokio::time::Instant;

use crate::sync::Mutex;

/// Since when a run has occupied its thread, while it does.
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

/// How late a run was found to block its thread.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
pub(super) enum Found {
    /// A request gave up waiting, or the run released its thread.
    Late,
    /// The run was past its deadline.
    Overdue,
}

/// The run that was last found to block its thread, and what was logged about it.
#[derive(Default)]
pub(super) struct Blocked {
    run: u64,
    logged: Option<Found>,
}

impl Blocked {
    pub(super) fn is(&self, run: u64) -> bool {
        self.run == run
    }

    /// Records the end of a run. After a run that did not block, the next one that does is logged again.
    pub(super) fn ended(&mut self, run: u64) {
        if !self.is(run) {
            *self = Blocked::default();
        }
    }

    /// Records that a run blocks, and returns whether to log it.
    pub(super) fn found(&mut self, run: u64, found: Found) -> bool {
        self.run = run;
        let is_new = self.logged < Some(found);
        if is_new {
            self.logged = Some(found);
        }
        is_new
    }
}
