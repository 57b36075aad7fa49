//! The state that all background runs of a `Management` share.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::run::runtimes::Runtimes;

/// Whether background runs have to be started, whether they rest, and on which runtimes they are.
#[derive(Debug)]
pub(crate) struct Background {
    /// Whether some background work has ended that should go on, or has not started.
    lost: AtomicBool,
    rests: AtomicBool,
    pub(crate) runtimes: Runtimes,
}

impl Default for Background {
    fn default() -> Self {
        let (lost, rests) = (AtomicBool::new(true), AtomicBool::new(false));
        Background { lost, rests, runtimes: Runtimes::default() }
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
