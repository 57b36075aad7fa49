//! Runs that take longer than an answer waits.

use std::time::Duration;

use crate::report::log;
use crate::run::{Label, Outcome};
use crate::sync::Mutex;

/// Logs when the runs of a check begin to exceed the budget of an answer.
pub(crate) struct Slow {
    budget: Option<Duration>,
    budget_name: &'static str,
    is_slow: Mutex<bool>,
}

impl Slow {
    pub(crate) fn new(budget: Option<Duration>, budget_name: &'static str) -> Self {
        Slow { budget, budget_name, is_slow: Mutex::new(false) }
    }

    pub(crate) fn observe<V>(&self, label: &Label, outcome: &Outcome<V>) {
        let Some(budget) = self.budget else { return };
        // A run that failed or blocked has a line of its own.
        if outcome.has_failed() || outcome.has_blocked {
            return;
        }
        let duration = outcome.ran.map(|ran| ran.duration).unwrap_or_default();
        let is_slow = duration > budget;
        let was_slow = std::mem::replace(&mut *self.is_slow.lock(), is_slow);
        if is_slow && !was_slow {
            log::slow(label, duration, self.budget_name, budget);
        }
    }
}
