//! The outcome of a run, and the readings of a job.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::run::failure::Failure;

/// The outcome of one run.
#[derive(Debug)]
pub(crate) struct Outcome<V> {
    pub(crate) value: V,
    /// The number of the run; 0 for an instant job.
    pub(super) run: u64,
    /// Whether it was a future that blocked its thread. That is logged on its own.
    pub(crate) has_blocked: bool,
    /// The end of the run on the monotonic clock, for decisions.
    pub(super) ended: Instant,
    /// `None` for an instant job, which has no run.
    pub(crate) ran: Option<Ran>,
    /// The number of consecutive failures, including this run.
    pub(crate) failures: u32,
}

/// A run, as people are shown it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ran {
    /// Its end.
    pub(crate) at: SystemTime,
    pub(crate) duration: Duration,
    pub(crate) end: End,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum End {
    /// The work returned, with a success or a failure.
    Returned,
    TimedOut,
    Panicked,
    /// The work was never started, so that its duration means nothing.
    NotStarted,
}

impl End {
    /// How a run with this result ended.
    pub(super) fn of<V>(result: &Result<V, Failure>) -> Self {
        match result {
            Ok(_) | Err(Failure::Failed(_)) => End::Returned,
            Err(Failure::TimedOut { .. }) => End::TimedOut,
            Err(Failure::Panicked(_)) => End::Panicked,
            Err(Failure::StillRunning(_) | Failure::NoThread(_)) => End::NotStarted,
        }
    }
}

impl<V> Outcome<V> {
    /// Whether the run failed, even if its value is a success because such a failure is tolerated.
    pub(crate) fn has_failed(&self) -> bool {
        self.failures > 0
    }
}

/// What a job has when a request asks for it.
pub(crate) enum Asked<V> {
    /// A reading without waiting.
    Known(Reading<V>),
    /// The number of the run to wait for.
    Running(u64),
}

/// What a request reads of a job.
pub(crate) struct Reading<V> {
    pub(crate) outcome: Result<Arc<Outcome<V>>, Missing>,
    /// Whether the outcome is an older one, shown because a newer one is late.
    pub(crate) is_stale: bool,
    /// Until when another request would read the same; `None` means for ever.
    pub(crate) until: Option<Instant>,
}

/// Why a reading has no outcome.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Missing {
    /// The run took longer than the budget of the request.
    Late(Duration),
    /// The run has not begun, since the runtime of the application runs no task.
    Stalled,
    /// The run and the one after it were dropped with their runtime.
    Interrupted,
    /// No runtime of the application is known, and the request was made outside of one.
    NoRuntime,
    /// A background job has not run yet, or its last result is too old.
    NotYet,
    /// A drain decides the answer, so the request does not wait.
    Draining,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Missing::Late(budget) => {
                write!(f, "no result within {}", humantime::format_duration(*budget))
            }
            Missing::Stalled => f.write_str("the runtime is stalled"),
            Missing::Interrupted => f.write_str("the run was dropped with its runtime"),
            Missing::NoRuntime => f.write_str("no Tokio runtime to run on"),
            Missing::NotYet => f.write_str("no result yet"),
            Missing::Draining => f.write_str("no result before the drain"),
        }
    }
}
