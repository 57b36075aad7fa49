//! What a run came to, and what is known of a job when somebody asks.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// What one run came to.
#[derive(Debug)]
pub(crate) struct Outcome<V> {
    pub(crate) value: V,
    pub(super) run: u64,
    /// It was a future that blocked its thread, which has a line of its own in the log.
    pub(crate) has_blocked: bool,
    /// When, on the clock by which decisions are made.
    pub(super) ended: Instant,
    /// When, for people.
    pub(crate) checked_at: SystemTime,
    pub(crate) duration: Duration,
    /// How many runs in a row have failed, this one included.
    pub(crate) failures: u32,
}

/// The first answer to a question.
pub(crate) enum Asked<V> {
    /// There is nothing to wait for.
    Known(Reading<V>),
    /// The run of this number has to be waited for.
    Running(u64),
}

/// The last answer to a question.
pub(crate) struct Reading<V> {
    pub(crate) outcome: Result<Arc<Outcome<V>>, Missing>,
    /// The outcome is shown because a newer one is late.
    pub(crate) is_stale: bool,
    /// Until when another question would be answered alike; `None` is for ever.
    pub(crate) until: Option<Instant>,
}

/// Why there is no outcome that may be shown.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Missing {
    /// The run took longer than whoever asked could wait.
    Late(Duration),
    /// The run was dropped, and so was the one after it.
    Interrupted,
    /// No runtime to run on.
    NoRuntime,
    /// A job in the background has not run yet, or not for too long.
    NotYet,
    /// A drain has decided the answer.
    Draining,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Missing::Late(budget) => {
                write!(f, "no result within {}", humantime::format_duration(*budget))
            }
            Missing::Interrupted => f.write_str("the run was dropped with its runtime"),
            Missing::NoRuntime => f.write_str("asked outside of a Tokio runtime"),
            Missing::NotYet => f.write_str("no result yet"),
            Missing::Draining => f.write_str("no result before the drain"),
        }
    }
}
