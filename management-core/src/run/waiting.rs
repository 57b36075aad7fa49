//! Requests that wait for a run.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::futures::Notified;
use tokio::time::{Instant, timeout_at};

use crate::run::blocked::Found;
use crate::run::outcome::{Asked, Missing, Reading};
use crate::run::runner::{Runner, Value};
use crate::run::state::{PATIENCE, Run};

/// The next step of a request that waits.
enum Next<'a, V> {
    Sleep(Instant, Notified<'a>),
    TimeOut(u64),
    GiveUp(u64, Reading<V>),
    /// The run was dropped with its runtime.
    AskAgain,
}

impl<V: Value> Runner<V> {
    /// The reading for a request made at `since`, which waits until `budget` is spent.
    pub(crate) async fn answer(
        self: &Arc<Self>,
        asked: Asked<V>,
        since: Instant,
        budget: Duration,
    ) -> Reading<V> {
        match asked {
            Asked::Known(reading) => reading,
            Asked::Running(run) => self.wait(run, since, budget).await,
        }
    }

    /// Waits for a run until `budget` is spent, and then falls back to the last outcome.
    pub(crate) async fn wait(
        self: &Arc<Self>,
        mut id: u64,
        asked: Instant,
        budget: Duration,
    ) -> Reading<V> {
        let until = asked + budget;
        // Another runtime than that of the run may be stalled without this one.
        let is_elsewhere = self.runtimes().is_on_endpoints();
        let mut is_second_try = false;
        loop {
            let next = {
                let now = Instant::now();
                let state = self.lock();
                match (&state.last, &state.run) {
                    (Some(last), _) if last.run >= id => return self.current(last),
                    (_, Some(run)) if run.is_overdue(now) => Next::TimeOut(run.id),
                    // If the run was dropped and another one has begun, waits for that one.
                    (_, Some(run)) => {
                        let look = self.next_look(run, now, is_elsewhere);
                        let is_stalled = look.is_some_and(|look| look <= now);
                        if until <= now || is_stalled && self.valid(&state, now).is_some() {
                            let why = run.missing(now, budget);
                            Next::GiveUp(run.id, self.late(&state, now, why))
                        } else {
                            let looks = [look.filter(|_| !is_stalled), run.overdue()];
                            let wake = looks.into_iter().flatten().fold(until, Instant::min);
                            // Created under the lock, so that no later change is missed.
                            Next::Sleep(wake, self.changed.notified())
                        }
                    }
                    (_, None) => match state.leaving(now) {
                        Some(run) if now >= until => {
                            Next::GiveUp(run.run, self.late(&state, now, Missing::Late(budget)))
                        }
                        Some(run) => Next::Sleep(run.expected.min(until), self.changed.notified()),
                        None if is_second_try => {
                            return self.late(&state, now, Missing::Interrupted);
                        }
                        None => Next::AskAgain,
                    },
                }
            };
            match next {
                // The state shows what has happened.
                Next::Sleep(deadline, changed) => _ = timeout_at(deadline, changed).await,
                Next::TimeOut(run) => self.time_out(run),
                Next::GiveUp(run, reading) => {
                    if self.look_at(run, Found::Late) {
                        self.time_out_later(run);
                    }
                    return reading;
                }
                Next::AskAgain => {
                    is_second_try = true;
                    match self.ask(Instant::now()) {
                        Asked::Known(reading) => return reading,
                        Asked::Running(another) => id = another,
                    }
                }
            }
        }
    }

    /// When a request has to look whether the runtime of a run is stalled. In the past if it is.
    fn next_look(&self, run: &Run, now: Instant, is_elsewhere: bool) -> Option<Instant> {
        let waiting_since = match run.begun {
            None => run.spawned,
            // The request is on the same runtime, which is therefore not stalled.
            Some(_) if !is_elsewhere => return None,
            Some(begun) if now < begun.at + PATIENCE => begun.at,
            Some(_) => self.runtimes().ping()?,
        };
        Some(waiting_since + PATIENCE)
    }
}
