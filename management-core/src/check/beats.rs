//! The details of a heartbeat.

use std::sync::OnceLock;
use std::time::SystemTime;

use serde_json::{Map, Value};
use tokio::time::Instant;

/// The details of a heartbeat, which are written once somebody is shown them.
#[derive(Clone)]
pub(crate) struct Beats {
    count: u64,
    last: Instant,
    written: OnceLock<Map<String, Value>>,
}

impl PartialEq for Beats {
    fn eq(&self, other: &Self) -> bool {
        (self.count, self.last) == (other.count, other.last)
    }
}

impl Beats {
    /// `last` has no meaning without a beat.
    pub(super) fn new(count: u64, last: Instant) -> Self {
        Beats { count, last, written: OnceLock::new() }
    }

    pub(super) fn details(&self) -> &Map<String, Value> {
        self.written.get_or_init(|| {
            let mut details = Map::new();
            details.insert("beats".to_owned(), self.count.into());
            if self.count > 0 {
                let at = SystemTime::now() - self.last.elapsed();
                let at = humantime::format_rfc3339_millis(at).to_string();
                details.insert("lastBeat".to_owned(), at.into());
            }
            details
        })
    }
}
