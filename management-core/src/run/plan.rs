//! How a job is run.

use std::time::Duration;

/// By how much a beat may be early or late, so that many pods do not ask one database at once.
pub(crate) const JITTER: f64 = 0.1;

/// How a check is run, with nothing left open.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) timeout: Duration,
    pub(crate) schedule: Schedule,
    pub(crate) valid_for: Duration,
    /// Never again after the first success.
    pub(crate) once: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Schedule {
    /// Run when asked, unless the last result is younger than `ttl`.
    OnDemand { ttl: Duration },
    /// Run unasked, `interval` after the end of the run before; requests only read.
    Background { interval: Duration },
}
