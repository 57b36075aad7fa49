//! Requests that wait for a run.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::futures::Notified;
use tokio::time::{Instant, timeout_at};

use crate::run::blocked::Found;
use crate::run::outcome::{Asked, Missing, Reading};
use crate::run::pulse::PATIENCE;
use crate::run::runner::{Runner, Value};
use crate::run::state::{Run, State};

/// The next step of a request that waits.
enum Next<'a, V> {
    Sleep(Instant, Notified<'a>),
    TimeOut(u64),
    GiveUp(u64, Reading<V>),
    /// The run was dropped with its runtime.
    AskAgain,
}

/// How long a request waits.
#[derive(Clone, Copy)]
struct Wait {
    until: Instant,
    /// What `until` is the end of.
    budget: Duration,
    /// Whether it gives up early if the runtime is stalled.
    looks_for_stall: bool,
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
        // A blocking job does not need the runtime of the application.
        let looks_for_stall = self.runtimes().is_on_endpoints() && !self.job.is_blocking();
        self.wait_until(run, Wait { until: asked + budget, budget, looks_for_stall }).await
    }

    /// Waits until a run has ended.
    pub(super) async fn wait_for_end(self: &Arc<Self>, run: u64) {
        // Longer than any run can take, except one that waits for its runtime.
        let longest = self.plan.timeout + Duration::from_secs(1);
        let until = Instant::now() + longest;
        self.wait_until(run, Wait { until, budget: longest, looks_for_stall: false }).await;
    }

    async fn wait_until(self: &Arc<Self>, mut id: u64, wait: Wait) -> Reading<V> {
        let mut is_second_try = false;
        loop {
            let next = {
                let now = Instant::now();
                let state = self.lock();
                match (&state.last, &state.run) {
                    (Some(last), _) if last.run >= id => return self.current(last),
                    // If the run was dropped and another one has begun, waits for that one.
                    (_, Some(run)) => {
                        let overdue = self.overdue(run, now);
                        if overdue.is_some_and(|overdue| overdue <= now) {
                            Next::TimeOut(run.id)
                        } else {
                            let look = self.next_look(run, now, wait);
                            match self.reason_to_give_up(&state, look, now, wait) {
                                Some(why) => Next::GiveUp(run.id, self.late(&state, now, why)),
                                None => self.sleep([look, overdue], now, wait.until),
                            }
                        }
                    }
                    (_, None) => match state.leaving(now) {
                        Some(run) => {
                            let look =
                                wait.looks_for_stall.then(|| self.look_for_stall()).flatten();
                            match self.reason_to_give_up(&state, look, now, wait) {
                                Some(why) => Next::GiveUp(run.run, self.late(&state, now, why)),
                                None => self.sleep([look, Some(run.expected)], now, wait.until),
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
                Next::Sleep(deadline, changed) => {
                    let sleep = self.runtimes().with_timers(|| timeout_at(deadline, changed));
                    _ = sleep.await;
                }
                Next::TimeOut(run) => self.time_out(run),
                Next::GiveUp(run, reading) => {
                    if matches!(reading.outcome, Err(Missing::Stalled)) {
                        self.runtimes().warn_of_idle();
                    }
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
    fn next_look(&self, run: &Run, now: Instant, wait: Wait) -> Option<Instant> {
        match run.begun {
            // Its deadline will be known by then.
            None => Some(run.spawned + PATIENCE),
            Some(_) if !wait.looks_for_stall => None,
            Some(begun) if now < begun.at + PATIENCE => Some(begun.at + PATIENCE),
            Some(_) => self.look_for_stall(),
        }
    }

    /// When an empty task has to have run. In the past if the runtime of the application is stalled.
    fn look_for_stall(&self) -> Option<Instant> {
        Some(self.runtimes().ping()? + PATIENCE)
    }

    /// Why a request does not wait any longer, if it does not: its budget is spent, or the runtime is stalled (`look` is
    /// in the past) and either the last outcome stands in or the stall is known.
    fn reason_to_give_up(
        &self,
        state: &State<V>,
        look: Option<Instant>,
        now: Instant,
        wait: Wait,
    ) -> Option<Missing> {
        let is_stalled = look.is_some_and(|look| look <= now);
        if wait.until <= now {
            return Some(if is_stalled { Missing::Stalled } else { Missing::Late(wait.budget) });
        }
        let is_useless = || {
            let is_long = self.runtimes().long_stalled_at().is_some_and(|at| at <= now);
            is_long || self.valid(state, now).is_some()
        };
        (is_stalled && wait.looks_for_stall && is_useless()).then_some(Missing::Stalled)
    }

    /// Sleeps until the first of these times that is not in the past, and `until` at the latest.
    fn sleep(&self, times: [Option<Instant>; 2], now: Instant, until: Instant) -> Next<'_, V> {
        let times = times.into_iter().chain([self.runtimes().long_stalled_at()]).flatten();
        let wake = times.filter(|time| now < *time).fold(until, Instant::min);
        // Created under the lock, so that no later change is missed.
        Next::Sleep(wake, self.changed.notified())
    }
}
