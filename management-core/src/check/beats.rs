//! The details of a heartbeat.

use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use serde_json::{Map, Value};
use tokio::time::Instant;

/// The details of a heartbeat, which are written once somebody is shown them.
#[derive(Clone)]
pub(crate) struct Beats {
    count: u64,
    last: Instant,
    #[cfg_attr(not(feature = "actuator"), expect(dead_code, reason = "no endpoint shows it"))]
    limit: Duration,
    written: OnceLock<Map<String, Value>>,
}

impl PartialEq for Beats {
    fn eq(&self, other: &Self) -> bool {
        (self.count, self.last) == (other.count, other.last)
    }
}

impl Beats {
    /// `last` has no meaning without a beat.
    pub(super) fn new(count: u64, last: Instant, limit: Duration) -> Self {
        Beats { count, last, limit, written: OnceLock::new() }
    }

    /// How long the next beat may take.
    #[cfg(feature = "actuator")]
    pub(crate) fn limit(&self) -> Duration {
        self.limit
    }

    /// When the last beat was.
    pub(crate) fn last(&self) -> Option<SystemTime> {
        (self.count > 0).then(|| SystemTime::now() - self.last.elapsed())
    }

    pub(super) fn details(&self) -> &Map<String, Value> {
        self.written.get_or_init(|| {
            let mut details = Map::new();
            details.insert("beats".to_owned(), self.count.into());
            if let Some(at) = self.last() {
                let at = humantime::format_rfc3339_millis(at).to_string();
                details.insert("lastBeat".to_owned(), at.into());
            }
            details
        })
    }
}
