//! Jobs that whoever asks computes.

use std::sync::Arc;

use tokio::time::Instant;

use crate::run::outcome::{Asked, Outcome, Reading};
use crate::run::plan::Schedule;
use crate::run::runner::{Runner, Value};

impl<V: Value> Runner<V> {
    /// Whether each request computes the outcome.
    pub(crate) fn is_instant(&self) -> bool {
        self.plan.schedule == Schedule::Instant
    }

    /// The outcome that an instant job had when it was last computed.
    pub(crate) fn computed(&self) -> Option<Asked<V>> {
        self.is_instant().then(|| self.lock().last.clone())?.map(|last| Asked::Known(reading(last)))
    }

    /// The outcome of an instant job at this moment. It needs no runtime, and no request waits for another one.
    ///
    /// The observer is called if the outcome is another one than the last.
    pub(super) fn compute(&self, work: &dyn Fn() -> V, now: Instant) -> Reading<V> {
        if self.plan.once
            && let state = self.lock()
            && self.settled(&state)
            && let Some(last) = &state.last
        {
            return reading(Arc::clone(last));
        }
        // Not under the lock, since it is the program's code.
        let mut value = self.job.panics().catch(work, V::from_failure);
        value.mask(&self.secrets);
        let mut state = self.lock();
        if let Some(last) = &state.last
            // Another thread may have had the success that settles it.
            && (self.settled(&state) || last.value.is_same(&value))
        {
            return reading(Arc::clone(last));
        }
        let failures = if value.is_success() {
            self.job.panics().forget();
            0
        } else {
            // A request is no run, so their number says nothing.
            1
        };
        let outcome = Arc::new(Outcome {
            value,
            run: 0,
            has_blocked: false,
            ended: now,
            ran: None,
            failures,
        });
        let previous = state.last.replace(Arc::clone(&outcome));
        let is_watched = !state.is_closed;
        drop(state);
        if is_watched {
            (self.observer)(previous.as_deref(), &outcome);
        }
        reading(outcome)
    }
}

/// The reading until a request computes another outcome.
fn reading<V>(outcome: Arc<Outcome<V>>) -> Reading<V> {
    Reading { outcome: Ok(outcome), is_stale: false, until: None }
}
