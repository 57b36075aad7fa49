//! What the parts of one `Management` tell each other.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::broadcast;

use crate::report::component::Component;
use crate::run::Background;
use crate::text::secret::Names;

/// How many results a subscriber may be behind.
const BACKLOG: usize = 1024;

/// What the parts of one `Management` tell each other.
#[derive(Debug)]
pub(crate) struct Signals {
    /// Counts what an answer depends on: results, and which checks there are.
    epoch: AtomicU64,
    pub(crate) background: Arc<Background>,
    /// What is secret by its name.
    pub(crate) secrets: Arc<Names>,
    pub(crate) results: broadcast::Sender<Component>,
}

impl Signals {
    pub(crate) fn new(secrets: Names) -> Self {
        Signals {
            epoch: AtomicU64::new(0),
            background: Arc::default(),
            secrets: Arc::new(secrets),
            results: broadcast::Sender::new(BACKLOG),
        }
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    pub(crate) fn advance(&self) {
        self.epoch.fetch_add(1, Ordering::Release);
    }
}
