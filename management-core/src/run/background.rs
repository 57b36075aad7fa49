//! What all runs that nobody asks for have in common.

use std::sync::atomic::{AtomicBool, Ordering};

/// What all that runs unasked has in common.
#[derive(Debug)]
pub(crate) struct Background {
    /// Some of it has ended that should go on, or has not begun.
    lost: AtomicBool,
    rests: AtomicBool,
}

impl Default for Background {
    fn default() -> Self {
        Background { lost: AtomicBool::new(true), rests: AtomicBool::new(false) }
    }
}

impl Background {
    /// Whether some of it should be going on and is not; whoever asks sees to it.
    pub(crate) fn take_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire) && self.lost.swap(false, Ordering::AcqRel)
    }

    pub(crate) fn lose(&self) {
        self.lost.store(true, Ordering::Release);
    }

    /// Nothing is begun unasked any more, and the last results stay as good as they were.
    pub(crate) fn rest(&self) {
        self.rests.store(true, Ordering::Release);
    }

    pub(crate) fn is_resting(&self) -> bool {
        self.rests.load(Ordering::Acquire)
    }
}
