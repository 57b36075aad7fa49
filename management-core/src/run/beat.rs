//! Background runs, one after the other.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{Instant, timeout_at};

use crate::run::outcome::Asked;
use crate::run::plan::JITTER;
use crate::run::runner::{Runner, Value};

impl<V: Value> Runner<V> {
    /// Runs at once, and then one pause of the schedule after the end of each run, as long as the runtime exists.
    pub(super) fn start_beat(self: &Arc<Self>, now: Instant) {
        if self.background.is_resting() {
            return;
        }
        if self.runtimes().for_runs().is_none() {
            return self.background.lose();
        }
        let mut state = self.lock();
        if state.is_closed || state.is_beating || self.settled(&state) {
            return;
        }
        state.is_beating = true;
        drop(state);
        // Started here, so that the next request finds a run to wait for.
        let asked = self.begin_or_join(now);
        // After the run has begun, which notices a runtime that has gone.
        let Some(runtime) = self.runtimes().for_timers() else {
            self.lock().is_beating = false;
            return self.background.lose();
        };
        let Some(asked) = asked else { return };
        let beat = Beat { runner: Arc::clone(self) };
        self.spawn_beat(&runtime, beat, Next::Wait(asked));
    }

    fn spawn_beat(&self, runtime: &Handle, beat: Beat<V>, next: Next<V>) {
        let mut state = self.lock();
        state.beat_tasks += 1;
        let number = state.beat_tasks;
        // A runtime that is shutting down drops the task at once, which takes the lock.
        drop(state);
        let task = runtime.spawn(beat.go_on(next));
        let mut state = self.lock();
        if !state.is_beating || state.is_closed {
            drop(state);
            task.abort();
        } else if state.beat_tasks == number {
            state.beat = Some(task.abort_handle());
        }
    }

    /// How long a background job rests after a success, before the jitter.
    #[cfg(feature = "_series")]
    pub(crate) fn interval(&self) -> Option<Duration> {
        self.plan.schedule.pause(false)
    }

    /// How long a background job rests after its last run, before the jitter.
    pub(crate) fn pause(&self) -> Option<Duration> {
        let has_failed = self.lock().last.as_ref().is_some_and(|last| last.has_failed());
        self.plan.schedule.pause(has_failed)
    }

    fn is_running(&self, run: u64) -> bool {
        self.lock().run.as_ref().is_some_and(|other| other.id == run)
    }

    fn begin_or_join(self: &Arc<Self>, now: Instant) -> Option<Asked<V>> {
        loop {
            let state = self.lock();
            if let Some(id) = self.overdue_run(&state, now) {
                drop(state);
                self.time_out(id);
                continue;
            }
            match &state.run {
                Some(run) => return Some(Asked::Running(run.id)),
                None if state.is_closed => return None,
                None => return Some(self.begin_next(state, now)),
            }
        }
    }
}

/// What a beat does next.
enum Next<V> {
    /// Waits for a run.
    Wait(Asked<V>),
    /// Begins a run at this time.
    Begin(Instant),
}

/// Guards the task of a beat: when the task ends for any reason, the next request starts it again.
struct Beat<V: Value> {
    runner: Arc<Runner<V>>,
}

impl<V: Value> Beat<V> {
    /// Boxed, since a beat that moves to another runtime spawns itself.
    fn go_on(self, mut next: Next<V>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            let beat = self;
            let runner = &beat.runner;
            let mut endpoints = runner.runtimes().watch_endpoints();
            loop {
                // The thread of the endpoints keeps the time while the application's runtime is stalled, and that
                // runtime may have no timers.
                if let Some(timers) = runner.runtimes().elsewhere() {
                    let runner = Arc::clone(runner);
                    return runner.spawn_beat(&timers, beat, next);
                }
                next = match next {
                    Next::Wait(asked) => {
                        if let Asked::Running(run) = asked {
                            runner.wait_for_end(run).await;
                            if runner.is_running(run) {
                                // It waits for its runtime. What its end means for the pause is not known yet.
                                next = Next::Wait(Asked::Running(run));
                                continue;
                            }
                        }
                        if runner.is_settled() {
                            return;
                        }
                        let Some(pause) = runner.pause() else { return };
                        let spread = 1.0 + JITTER * (2.0 * fastrand::f64() - 1.0);
                        Next::Begin(Instant::now() + pause.mul_f64(spread))
                    }
                    Next::Begin(at) => {
                        if timeout_at(at, endpoints.changed()).await.is_ok() {
                            // The thread of the endpoints has started.
                            continue;
                        }
                        if runner.background.is_resting() {
                            return;
                        }
                        // Without a run, the runner is closed.
                        match runner.begin_or_join(Instant::now()) {
                            Some(asked) => Next::Wait(asked),
                            None => return,
                        }
                    }
                };
            }
        })
    }
}

impl<V: Value> Drop for Beat<V> {
    fn drop(&mut self) {
        let mut state = self.runner.lock();
        state.is_beating = false;
        state.beat = None;
        let should_go_on = !state.is_closed;
        drop(state);
        if should_go_on {
            self.runner.background.lose();
        }
    }
}
