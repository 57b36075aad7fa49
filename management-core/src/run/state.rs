//! What a runner knows of its run in flight, and of the one before.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::run::background::InFlight;
use crate::run::blocked::Blocked;
use crate::run::current::CurrentRun;
use crate::run::outcome::Outcome;
use crate::run::span::RunSpan;

pub(super) struct State<V> {
    pub(super) run: Option<Run>,
    pub(super) stuck: Option<Stuck>,
    pub(super) blocked: Blocked,
    pub(super) runs: u64,
    pub(super) last: Option<Arc<Outcome<V>>>,
    pub(super) has_succeeded: bool,
    pub(super) beat: Option<AbortHandle>,
    /// Distinguishes the task of the beat from those before.
    pub(super) beat_tasks: u64,
    pub(super) is_beating: bool,
    pub(super) is_closed: bool,
}

impl<V> State<V> {
    /// The last run, if it has ended and its task is about to end.
    pub(super) fn leaving(&self, now: Instant) -> Option<Stuck> {
        self.stuck.filter(|stuck| now < stuck.expected)
    }
}

/// The run in flight.
pub(super) struct Run {
    pub(super) id: u64,
    pub(super) spawned: Instant,
    /// The first poll, and the deadline that begins with it; `None` while the run waits for its runtime.
    pub(super) begun: Option<Begun>,
    pub(super) task: Option<AbortHandle>,
    pub(super) span: RunSpan,
    pub(super) current: CurrentRun,
    /// `None` if it does not need the runtime of the application.
    pub(super) _in_flight: Option<InFlight>,
}

#[derive(Clone, Copy)]
pub(super) struct Begun {
    pub(super) at: Instant,
    /// If the runtime runs tasks all the time.
    pub(super) deadline: Instant,
    /// The part of all stalls that does not move the deadline: what was before, and what is due to the run itself.
    pub(super) not_counted: Duration,
}

/// A run that has ended while its task has not: its future or a destructor blocks.
#[derive(Clone, Copy)]
pub(super) struct Stuck {
    pub(super) run: u64,
    pub(super) started: Instant,
    /// Until when the next run waits for its end.
    pub(super) expected: Instant,
}

impl Stuck {
    pub(super) fn since(&self) -> SystemTime {
        SystemTime::now() - self.started.elapsed()
    }
}
