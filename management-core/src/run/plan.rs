//! How a job is run.

use std::time::Duration;

/// By how much a beat may be early or late, so that many pods do not ask one database at once.
pub(crate) const JITTER: f64 = 0.1;

/// How a job is run. Every setting has a value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) timeout: Duration,
    pub(crate) schedule: Schedule,
    pub(crate) valid_for: Duration,
    /// How many runs in a row must fail until a job that has succeeded before counts as failed.
    pub(crate) fail_after: u32,
    /// Whether it never runs again after its first success.
    pub(crate) once: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Schedule {
    /// Runs when a request asks and the last result is older than `ttl`.
    OnDemand { ttl: Duration },
    /// Runs `interval` after the end of the previous run, or `retry` after one that failed. Requests only read.
    Background { interval: Duration, retry: Duration },
    /// Is computed by each request.
    Instant,
}

impl Plan {
    /// The plan of an instant job.
    pub(crate) const INSTANT: Plan = Plan {
        timeout: Duration::ZERO,
        schedule: Schedule::Instant,
        valid_for: Duration::ZERO,
        fail_after: 1,
        once: false,
    };
}

impl Schedule {
    /// How long after the end of a run a background job runs again, before the jitter. `None` if it is no background
    /// job.
    pub(super) fn pause(self, has_failed: bool) -> Option<Duration> {
        match self {
            Schedule::OnDemand { .. } | Schedule::Instant => None,
            Schedule::Background { retry, .. } if has_failed => Some(retry),
            Schedule::Background { interval, .. } => Some(interval),
        }
    }
}
