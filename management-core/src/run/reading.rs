//! What is known of a job when somebody asks.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::{Runner, State, Value};
use crate::run::plan::Schedule;

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

impl<V: Value> Runner<V> {
    /// The last outcome, where nothing newer is due.
    pub(super) fn fresh(&self, state: &State<V>, now: Instant) -> Option<Reading<V>> {
        let last = state.last.as_ref()?;
        if self.rests() {
            return Some(Reading { outcome: Ok(Arc::clone(last)), is_stale: false, until: None });
        }
        let until = self.fresh_until(last);
        until.is_none_or(|until| now < until).then(|| {
            // The next question may be answered otherwise as soon as a newer outcome is overdue.
            let overdue = self.overdue(last).filter(|_| until.is_some());
            Reading {
                outcome: Ok(Arc::clone(last)),
                is_stale: overdue.is_some_and(|overdue| overdue <= now),
                until: overdue.filter(|overdue| now < *overdue && Some(*overdue) < until).or(until),
            }
        })
    }

    /// An outcome that has just come.
    pub(super) fn current(&self, outcome: &Arc<Outcome<V>>) -> Reading<V> {
        Reading {
            outcome: Ok(Arc::clone(outcome)),
            is_stale: false,
            until: self.fresh_until(outcome),
        }
    }

    /// The last outcome while it is valid, although something newer is due.
    pub(super) fn late(&self, state: &State<V>, now: Instant, why: Missing) -> Reading<V> {
        let valid = state.last.as_ref().filter(|last| now <= last.ended + self.plan.valid_for);
        Reading {
            outcome: valid.map(Arc::clone).ok_or(why),
            is_stale: valid.is_some(),
            until: Some(now),
        }
    }

    /// What a run came to, if it has ended.
    pub(crate) fn ended(&self, run: u64) -> Option<Reading<V>> {
        let state = self.lock();
        state.last.as_ref().filter(|last| last.run >= run).map(|last| self.current(last))
    }

    /// What there is of a run that nobody waits for.
    pub(crate) fn without_waiting(&self, run: u64) -> Reading<V> {
        let state = self.lock();
        match &state.last {
            Some(last) if last.run >= run => self.current(last),
            _ => self.late(&state, Instant::now(), Missing::Draining),
        }
    }

    /// Whether nothing newer is to come.
    fn rests(&self) -> bool {
        matches!(self.plan.schedule, Schedule::Background { .. }) && self.background.is_resting()
    }

    pub(super) fn settled(&self, state: &State<V>) -> bool {
        self.plan.once && state.last.as_ref().is_some_and(|last| last.value.is_success())
    }

    fn fresh_until(&self, outcome: &Outcome<V>) -> Option<Instant> {
        if self.plan.once && outcome.value.is_success() {
            return None;
        }
        Some(match self.plan.schedule {
            Schedule::OnDemand { ttl } => outcome.ended + ttl,
            Schedule::Background { .. } => outcome.ended + self.plan.valid_for,
        })
    }

    /// When a job in the background should have had a newer outcome.
    fn overdue(&self, outcome: &Outcome<V>) -> Option<Instant> {
        match self.plan.schedule {
            Schedule::OnDemand { .. } => None,
            Schedule::Background { interval } => {
                let longest = interval.mul_f64(1.0 + super::beat::JITTER);
                Some(outcome.ended + longest + self.plan.timeout)
            }
        }
    }
}
