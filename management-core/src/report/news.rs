//! Whether a reason is news.

use std::time::Duration;

use tokio::time::Instant;

use crate::sync::Mutex;

/// How often a reason that changes is told: one with a counter in it changes with each run.
const PAUSE: Duration = Duration::from_secs(60);

/// The reason that the log has told last.
#[derive(Debug, Default)]
pub(crate) struct News(Mutex<Told>);

#[derive(Debug, Default)]
struct Told {
    reason: Option<String>,
    /// Since when no other reason is told.
    since: Option<Instant>,
}

impl News {
    /// A line tells this reason, whatever was told before it.
    pub(crate) fn tell(&self, reason: Option<&str>) {
        self.0.lock().reason = reason.map(str::to_owned);
    }

    /// Whether a line is to tell this reason, since the last one told another.
    pub(crate) fn is_news(&self, reason: &str) -> bool {
        let mut told = self.0.lock();
        if told.reason.as_deref() == Some(reason) {
            return false;
        }
        let now = Instant::now();
        if told.since.is_some_and(|since| now < since + PAUSE) {
            return false;
        }
        *told = Told { reason: Some(reason.to_owned()), since: Some(now) };
        true
    }
}
