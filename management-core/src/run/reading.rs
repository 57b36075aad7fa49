//! What a request reads of a job.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::run::outcome::{Missing, Outcome, Reading};
use crate::run::plan::{JITTER, Schedule};
use crate::run::runner::{Runner, Value};
use crate::run::state::State;

/// How long a failure is reused at most, so that a recovery is noticed soon.
const MAX_FAILURE_TTL: Duration = Duration::from_secs(1);

impl<V: Value> Runner<V> {
    /// The last outcome, unless a newer one is due.
    pub(super) fn fresh(&self, state: &State<V>, now: Instant) -> Option<Reading<V>> {
        let last = state.last.as_ref()?;
        if self.rests() {
            return Some(Reading { outcome: Ok(Arc::clone(last)), is_stale: false, until: None });
        }
        let until = self.fresh_until(last);
        until.is_none_or(|until| now < until).then(|| {
            // Once a newer outcome is overdue, the next request reads this one as stale.
            let overdue = self.renewal_overdue(last).filter(|_| until.is_some());
            Reading {
                outcome: Ok(Arc::clone(last)),
                is_stale: overdue.is_some_and(|overdue| overdue <= now),
                until: overdue.filter(|overdue| now < *overdue && Some(*overdue) < until).or(until),
            }
        })
    }

    /// An outcome that has just arrived.
    pub(super) fn current(&self, outcome: &Arc<Outcome<V>>) -> Reading<V> {
        Reading {
            outcome: Ok(Arc::clone(outcome)),
            is_stale: false,
            until: self.fresh_until(outcome),
        }
    }

    /// The last outcome as stale while it is valid, since a newer one is late.
    pub(super) fn late(&self, state: &State<V>, now: Instant, why: Missing) -> Reading<V> {
        let valid = self.valid(state, now);
        Reading {
            outcome: valid.map(Arc::clone).ok_or(why),
            is_stale: valid.is_some(),
            until: Some(now),
        }
    }

    /// The last outcome, whether or not a newer one is due; `None` if there was none.
    #[cfg(any(feature = "_series", all(feature = "systemd", unix)))]
    pub(crate) fn last(&self, now: Instant) -> Option<Reading<V>> {
        if let Some(work) = self.job.as_instant() {
            return Some(self.compute(work, now));
        }
        let state = self.lock();
        state.last.as_ref()?;
        Some(self.fresh(&state, now).unwrap_or_else(|| self.late(&state, now, Missing::NotYet)))
    }

    /// The outcome of the last run, however old it is.
    #[cfg(feature = "_series")]
    pub(crate) fn last_outcome(&self) -> Option<Arc<Outcome<V>>> {
        self.lock().last.clone()
    }

    /// The last outcome, unless it is too old to be shown.
    pub(super) fn valid<'a>(
        &self,
        state: &'a State<V>,
        now: Instant,
    ) -> Option<&'a Arc<Outcome<V>>> {
        state.last.as_ref().filter(|last| now <= last.ended + self.plan.valid_for)
    }

    /// The outcome of a run, if it has ended.
    pub(crate) fn ended(&self, run: u64) -> Option<Reading<V>> {
        let state = self.lock();
        state.last.as_ref().filter(|last| last.run >= run).map(|last| self.current(last))
    }

    /// The outcome of a run if it has ended, else the last one.
    pub(crate) fn without_waiting(&self, run: u64) -> Reading<V> {
        let state = self.lock();
        match &state.last {
            Some(last) if last.run >= run => self.current(last),
            _ => self.late(&state, Instant::now(), Missing::Draining),
        }
    }

    /// Whether no newer outcome will come.
    fn rests(&self) -> bool {
        matches!(self.plan.schedule, Schedule::Background { .. }) && self.background.is_resting()
    }

    pub(super) fn settled(&self, state: &State<V>) -> bool {
        self.plan.once && state.last.as_ref().is_some_and(|last| !last.has_failed())
    }

    fn fresh_until(&self, outcome: &Outcome<V>) -> Option<Instant> {
        if self.plan.once && !outcome.has_failed() {
            return None;
        }
        Some(match self.plan.schedule {
            Schedule::OnDemand { ttl } if outcome.has_failed() => {
                outcome.ended + ttl.min(MAX_FAILURE_TTL)
            }
            Schedule::OnDemand { ttl } => outcome.ended + ttl,
            Schedule::Background { .. } => outcome.ended + self.plan.valid_for,
            Schedule::Instant => outcome.ended,
        })
    }

    /// When a background job should have had a newer outcome.
    fn renewal_overdue(&self, outcome: &Outcome<V>) -> Option<Instant> {
        let pause = self.plan.schedule.pause(outcome.has_failed())?;
        Some(outcome.ended + pause.mul_f64(1.0 + JITTER) + self.plan.timeout)
    }
}
