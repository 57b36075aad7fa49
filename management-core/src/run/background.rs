//! The state that all background runs of a `Management` share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::Notify;

use crate::run::runtimes::Runtimes;

/// Whether background runs have to be started, whether they rest, and on which runtimes they are.
#[derive(Debug)]
pub(crate) struct Background {
    /// Whether some background work has ended that should go on, or has not started.
    lost: AtomicBool,
    rests: AtomicBool,
    /// The number of runs that need the runtime of the application and have not ended.
    in_flight: AtomicUsize,
    /// Notified when the first of them begins.
    began: Notify,
    pub(crate) runtimes: Runtimes,
}

/// Counts a run that is in flight, until it is dropped.
pub(super) struct InFlight(Arc<Background>);

impl InFlight {
    pub(super) fn new(background: &Arc<Background>) -> Self {
        if background.in_flight.fetch_add(1, Ordering::AcqRel) == 0 {
            background.began.notify_one();
        }
        InFlight(Arc::clone(background))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Default for Background {
    fn default() -> Self {
        Background {
            lost: AtomicBool::new(true),
            rests: AtomicBool::new(false),
            in_flight: AtomicUsize::new(0),
            began: Notify::new(),
            runtimes: Runtimes::default(),
        }
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

    /// Whether a run needs the runtime of the application.
    pub(crate) fn has_runs_in_flight(&self) -> bool {
        self.in_flight.load(Ordering::Acquire) > 0
    }

    /// Ready when the first of several runs has begun since the last call.
    pub(crate) async fn run_began(&self) {
        self.began.notified().await;
    }

    /// Starts no background runs any more. The last results stay valid.
    pub(crate) fn rest(&self) {
        self.rests.store(true, Ordering::Release);
    }

    pub(crate) fn is_resting(&self) -> bool {
        self.rests.load(Ordering::Acquire)
    }
}
