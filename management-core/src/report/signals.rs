//! What the parts of one `Management` share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::broadcast;

use crate::report::component::Component;
use crate::report::durations::Durations;
use crate::run::Background;
use crate::text::secret::Names;

/// How many results a subscriber may lag behind.
const MAX_LAG: usize = 1024;

/// What the parts of one `Management` share.
#[derive(Debug)]
pub(crate) struct Signals {
    /// Changes with everything that answers depend on: results, and the list of checks.
    epoch: AtomicU64,
    /// Changes with what only answers with details depend on.
    details_epoch: AtomicU64,
    pub(crate) background: Arc<Background>,
    /// The names whose values are secret.
    pub(crate) secrets: Arc<Names>,
    pub(crate) results: broadcast::Sender<Component>,
    /// Who is given each duration.
    pub(crate) durations: Durations,
}

impl Signals {
    pub(crate) fn new(secrets: Names) -> Self {
        Signals {
            epoch: AtomicU64::new(0),
            details_epoch: AtomicU64::new(0),
            background: Arc::default(),
            secrets: Arc::new(secrets),
            results: broadcast::Sender::new(MAX_LAG),
            durations: Durations::new(),
        }
    }

    /// The epoch of answers with or without details. It never decreases.
    pub(crate) fn epoch(&self, details: bool) -> u64 {
        let of_details = if details { self.details_epoch.load(Ordering::Acquire) } else { 0 };
        self.epoch.load(Ordering::Acquire) + of_details
    }

    /// Makes every cached answer stale.
    pub(crate) fn advance(&self) {
        self.epoch.fetch_add(1, Ordering::Release);
    }

    /// Makes every cached answer with details stale.
    pub(crate) fn advance_details(&self) {
        self.details_epoch.fetch_add(1, Ordering::Release);
    }
}
