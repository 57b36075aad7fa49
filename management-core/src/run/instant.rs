//! Jobs that whoever asks computes.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::run::outcome::{Outcome, Reading};
use crate::run::runner::{Runner, Value};

impl<V: Value> Runner<V> {
    /// The outcome of an instant job at this moment. It needs no runtime, and no request waits for another one.
    pub(super) fn compute(&self, work: &dyn Fn() -> V, now: Instant) -> Reading<V> {
        {
            let state = self.lock();
            let is_final = self.settled(&state) || state.is_closed;
            if let Some(last) = state.last.as_ref().filter(|_| is_final) {
                return Reading { outcome: Ok(Arc::clone(last)), is_stale: false, until: None };
            }
        }
        // Not under the lock, since it is the program's code.
        let mut value = self.job.panics().catch(work, V::from_failure);
        value.mask(&self.secrets);
        let has_failed = !value.is_success();
        if !has_failed {
            self.job.panics().forget();
        }
        let mut state = self.lock();
        state.runs += 1;
        let failures = state.last.as_ref().map_or(0, |last| last.failures);
        let outcome = Arc::new(Outcome {
            value,
            run: state.runs,
            has_blocked: false,
            ended: now,
            checked_at: SystemTime::now(),
            duration: Duration::ZERO,
            failures: if has_failed { failures.saturating_add(1) } else { 0 },
        });
        let previous = state.last.replace(Arc::clone(&outcome));
        let is_watched = !state.is_closed;
        drop(state);
        if is_watched {
            (self.observer)(previous.as_deref(), &outcome);
        }
        Reading { outcome: Ok(outcome), is_stale: false, until: Some(now) }
    }
}
