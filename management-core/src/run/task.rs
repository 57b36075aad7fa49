//! The task of a run, and its end.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::thread;
use std::time::SystemTime;

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::run::current::CurrentRun;
use crate::run::failure::Failure;
use crate::run::outcome::{End, Outcome, Ran};
use crate::run::queue::{Turn, has_workers, requeue};
use crate::run::runner::{Runner, Value};
use crate::run::span::RunSpan;
use crate::run::state::Stuck;

impl<V: Value> Runner<V> {
    /// A run, for the runtime `on`. `runtime` is that of the application.
    pub(super) fn run(
        self: Arc<Self>,
        id: u64,
        (span, current): (RunSpan, CurrentRun),
        on: Handle,
        runtime: Handle,
    ) -> impl Future<Output = ()> + Send {
        let has_workers = has_workers(&on);
        // Outside of the future, so that it is dropped even if the task is never polled.
        let place = Place { runner: self, id, on };
        async move {
            let runner = &place.runner;
            let mut job = None;
            let mut turn = Turn::default();
            let mut deadline = None;
            // Others notice a run that blocks its thread, and end a run that is late.
            let is_watched = runner.runtimes().have_endpoints();
            let mut limit = pin!(None::<Sleep>);
            let result = poll_fn(|cx| {
                // The worker that an event wakes is also the one that polls for events. The job may block it, so
                // another worker has to be awake first.
                let has_turn = !has_workers || turn.poll(cx).is_ready();
                if has_turn {
                    if deadline.is_none() {
                        deadline = runner.begin_deadline(place.id);
                    }
                    let _thread = (has_workers || is_watched).then(|| runner.thread(place.id));
                    let polled = runner.job.panics().catch(
                        || {
                            let start = || runner.job.start(&runtime, &span, &current);
                            // A blocking job enters it on the thread of the job.
                            let _entered = (!runner.job.is_blocking()).then(|| span.enter());
                            current.enter(|| job.get_or_insert_with(start).as_mut().poll(cx))
                        },
                        |failure| Poll::Ready(Err(failure)),
                    );
                    if polled.is_ready() {
                        return polled.map(Some);
                    }
                }
                match deadline {
                    Some(deadline) if !is_watched => {
                        if limit.is_none() {
                            limit.set(Some(sleep_until(deadline)));
                        }
                        let mut limit = limit.as_mut().as_pin_mut().expect("it has just been set");
                        while limit.as_mut().poll(cx).is_ready() {
                            // A thread of the endpoints may have started meanwhile, and found a stall.
                            match runner.later_deadline(place.id) {
                                Some(later) => limit.as_mut().reset(later),
                                None => return Poll::Ready(None),
                            }
                        }
                        Poll::Pending
                    }
                    _ => Poll::Pending,
                }
            });
            // A block of its own, so that the outcome is not part of the future afterwards.
            let is_left_in_the_middle = {
                let result = result.await;
                let now = Instant::now();
                // A future that blocked its thread ends before its timer is polled.
                let missed = runner.missed_deadline(place.id, now);
                let (result, ended) = match (result, missed) {
                    (Some(result), None) => (result, now),
                    _ => (Err(current.timed_out()), missed.unwrap_or(now)),
                };
                // A future that has returned holds nothing that could block.
                let leaves = result.is_err().then(|| ended + runner.plan.timeout);
                runner.finish(place.id, result, ended, leaves);
                leaves.is_some()
            };
            // Last, since dropping the user's future may panic or block.
            if is_left_in_the_middle && has_workers {
                // The requests that waited are next on this worker, and other workers do not steal the very next
                // task.
                requeue().await;
                let _thread = runner.thread(place.id);
                drop(job);
            }
        }
    }

    /// Keeps the outcome of a run and wakes all requests, unless the run has already ended.
    ///
    /// If its task has not ended, the next run waits for that until `leaves`.
    pub(super) fn finish(
        &self,
        id: u64,
        result: Result<V, Failure>,
        ended: Instant,
        leaves: Option<Instant>,
    ) {
        let end = End::of(&result);
        // The time of how many runs the one before has taken, if it still occupies its thread so that this one could
        // not begin.
        let runs_lost = match &result {
            Err(Failure::StillRunning(since)) => Some(self.runs_within(*since)),
            _ => None,
        };
        let mut value = result.unwrap_or_else(V::from_failure);
        value.mask(&self.secrets);
        let mut state = self.lock();
        let Some(run) = state.run.take_if(|run| run.id == id) else { return };
        let started = run.begun.map_or(ended, |begun| begun.at);
        if let Some(expected) = leaves {
            state.stuck = Some(Stuck { run: id, started, expected });
        }
        let failures = if value.is_success() {
            self.job.panics().forget();
            state.has_succeeded = true;
            0
        } else {
            let before = state.last.as_ref().map_or(0, |last| last.failures);
            runs_lost.map_or(before.saturating_add(1), |lost| before.max(lost))
        };
        if failures > 0 && failures < self.plan.fail_after && state.has_succeeded {
            value.soften();
        }
        let status = value.status_text();
        let outcome = Arc::new(Outcome {
            value,
            run: id,
            has_blocked: state.blocked.is(id),
            ended,
            ran: Some(Ran {
                at: SystemTime::now() - ended.elapsed(),
                duration: ended - started,
                end,
            }),
            failures,
        });
        let previous = state.last.replace(Arc::clone(&outcome));
        let is_watched = !state.is_closed;
        drop(state);
        // Requests are woken even if the observer panics.
        let _wake = Wake(&self.changed);
        run.span.end(status);
        if is_watched {
            (self.observer)(previous.as_deref(), &outcome);
        }
    }
}

impl<V> Runner<V> {
    /// How many runs could have failed since this time, one after the other.
    fn runs_within(&self, since: SystemTime) -> u32 {
        let elapsed = since.elapsed().unwrap_or_default().as_secs_f64();
        // Saturates.
        (elapsed / self.plan.timeout.as_secs_f64()).max(1.0) as u32
    }
}

struct Wake<'a>(&'a Notify);

impl Drop for Wake<'_> {
    fn drop(&mut self) {
        self.0.notify_waiters();
    }
}

/// Guards a run in flight: when its task ends for any reason, requests stop waiting for it.
struct Place<V: Value> {
    runner: Arc<Runner<V>>,
    id: u64,
    /// The runtime of the task.
    on: Handle,
}

impl<V: Value> Drop for Place<V> {
    fn drop(&mut self) {
        let mut state = self.runner.lock();
        state.blocked.ended(self.id);
        let was_stuck = state.stuck.take_if(|stuck| stuck.run == self.id).is_some();
        let was_running = state.run.take_if(|run| run.id == self.id).is_some();
        drop(state);
        // Whoever ends a run takes it out first, so this one was dropped with its runtime.
        if was_running && !thread::panicking() {
            self.runner.runtimes().forget(&self.on);
        }
        if was_stuck || was_running {
            self.runner.changed.notify_waiters();
        }
    }
}
