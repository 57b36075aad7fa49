//! Requests that wait for a run.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::futures::Notified;
use tokio::time::{Instant, timeout_at};

use crate::run::blocked::Found;
use crate::run::outcome::{Asked, Missing, Reading};
use crate::run::runner::{Runner, Value};
use crate::run::state::{PATIENCE, Run, State};

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

    /// Waits for a run until `budget` is spent, and then falls back to the last outcome. On the thread of the
    /// endpoints, falls back as soon as the runtime of the application is stalled.
    pub(crate) async fn wait(
        self: &Arc<Self>,
        run: u64,
        asked: Instant,
        budget: Duration,
    ) -> Reading<V> {
        self.wait_until(run, asked + budget, budget, self.runtimes().is_on_endpoints()).await
    }

    /// Waits until a run has ended.
    pub(super) async fn wait_for_end(self: &Arc<Self>, run: u64) {
        // Longer than any run can take, except one that waits for its runtime.
        let longest = self.plan.timeout + Duration::from_secs(1);
        self.wait_until(run, Instant::now() + longest, longest, false).await;
    }

    async fn wait_until(
        self: &Arc<Self>,
        mut id: u64,
        until: Instant,
        budget: Duration,
        looks_for_stall: bool,
    ) -> Reading<V> {
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
                        let look = self.next_look(run, now, looks_for_stall);
                        let wake = [look, run.overdue()];
                        if until <= now || looks_for_stall && self.can_fall_back(&state, look, now)
                        {
                            let why = run.missing(now, budget);
                            Next::GiveUp(run.id, self.late(&state, now, why))
                        } else {
                            // Created under the lock, so that no later change is missed.
                            Next::Sleep(next_of(wake, until, now), self.changed.notified())
                        }
                    }
                    (_, None) => match state.leaving(now) {
                        Some(run) => {
                            let look = if looks_for_stall { self.look_for_stall() } else { None };
                            if until <= now || self.can_fall_back(&state, look, now) {
                                let why = Missing::Late(budget);
                                Next::GiveUp(run.run, self.late(&state, now, why))
                            } else {
                                let wake = [look, Some(run.expected)];
                                Next::Sleep(next_of(wake, until, now), self.changed.notified())
                            }
                        }
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

    /// When a request has to look again at a run. In the past if the runtime of the run is stalled.
    fn next_look(&self, run: &Run, now: Instant, looks_for_stall: bool) -> Option<Instant> {
        match run.begun {
            // Its deadline will be known by then.
            None => Some(run.spawned + PATIENCE),
            Some(_) if !looks_for_stall => None,
            Some(begun) if now < begun.at + PATIENCE => Some(begun.at + PATIENCE),
            Some(_) => self.look_for_stall(),
        }
    }

    /// When an empty task has to have run. In the past if the runtime of the application is stalled.
    fn look_for_stall(&self) -> Option<Instant> {
        Some(self.runtimes().ping()? + PATIENCE)
    }

    /// Whether the runtime is stalled, and the last outcome can stand in for a new one.
    fn can_fall_back(&self, state: &State<V>, look: Option<Instant>, now: Instant) -> bool {
        look.is_some_and(|look| look <= now) && self.valid(state, now).is_some()
    }
}

/// The first of these times that is not in the past, and `until` at the latest.
fn next_of(times: [Option<Instant>; 2], until: Instant, now: Instant) -> Instant {
    times.into_iter().flatten().filter(|time| now < *time).fold(until, Instant::min)
}
