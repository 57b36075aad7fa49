//! The state that all background runs of a `Management` share.

use std::sync::atomic::{AtomicBool, Ordering};

/// Whether background runs have to be started, and whether they rest.
#[derive(Debug)]
pub(crate) struct Background {
    /// Whether some background work has ended that should go on, or has not started.
    lost: AtomicBool,
    rests: AtomicBool,
}

impl Default for Background {
    fn default() -> Self {
        Background { lost: AtomicBool::new(true), rests: AtomicBool::new(false) }
    }
}

impl Background {
    /// Whether some background work has to be started. The caller starts it.
    pub(crate) fn take_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire) && self.lost.swap(false, Ordering::AcqRel)
    }

    pub(crate) fn lose(&self) {
        self.lost.store(true, Ordering::Release);
    }

    /// Starts no background runs any more. The last results stay valid.
    pub(crate) fn rest(&self) {
        self.rests.store(true, Ordering::Release);
    }

    pub(crate) fn is_resting(&self) -> bool {
        self.rests.load(Ordering::Acquire)
    }
}
