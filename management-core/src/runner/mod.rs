//! How a check is run.
//!
//! One run of a job at a time, each a task of its own that belongs to nobody who asked. Whoever asks
//! while a run is in flight waits for that run. The deadline is kept twice: by the run's own task,
//! which needs nobody to wait for it, and by everyone who waits, since a future that blocks its
//! thread is never looked at again. Whichever comes first ends the run; what comes later is dropped.

pub(crate) mod beat;
mod failure;
mod job;
mod reading;

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::{Duration, SystemTime};

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};

pub(crate) use beat::Background;
pub use failure::Failure;
pub use job::Job;
pub(crate) use reading::{Asked, Missing, Outcome, Reading};

use crate::settings::{Plan, Schedule};

/// What a runner can keep.
pub(crate) trait Value: Send + Sync + 'static {
    /// What is kept of a run that came to nothing.
    fn from_failure(failure: Failure) -> Self;

    /// Whether the run did what it was for.
    fn is_success(&self) -> bool;
}

/// Told of every outcome, together with the one before it.
pub(crate) type Observer<V> = Box<dyn Fn(Option<&Outcome<V>>, &Arc<Outcome<V>>) + Send + Sync>;

/// One job, its schedule, the run in flight and the last outcome.
pub(crate) struct Runner<V> {
    job: Job<V>,
    plan: Plan,
    observer: Observer<V>,
    background: Arc<Background>,
    state: Mutex<State<V>>,
    changed: Notify,
}

struct State<V> {
    run: Option<Run>,
    stuck: Option<Stuck>,
    runs: u64,
    last: Option<Arc<Outcome<V>>>,
    beat: Option<AbortHandle>,
    is_beating: bool,
    is_closed: bool,
}

/// What somebody who waits does next.
enum Next<'a> {
    Sleep(Instant, Notified<'a>),
    TimeOut(u64),
    /// The run has gone with its runtime.
    AskAgain,
}

/// The run in flight.
struct Run {
    id: u64,
    started: Instant,
    deadline: Instant,
    task: Option<AbortHandle>,
}

impl Run {
    /// When others end a run. Its own task comes first, unless the run blocks that task's thread.
    fn overdue(&self) -> Instant {
        self.deadline + Duration::from_millis(10)
    }
}

/// A run that was ended from outside, and whose task is still there.
#[derive(Clone, Copy)]
struct Stuck {
    run: u64,
    since: SystemTime,
}

impl<V: Value> Runner<V> {
    pub(crate) fn new(
        job: Job<V>,
        plan: Plan,
        background: Arc<Background>,
        observer: Observer<V>,
    ) -> Arc<Self> {
        let state = State {
            run: None,
            stuck: None,
            runs: 0,
            last: None,
            beat: None,
            is_beating: false,
            is_closed: false,
        };
        Arc::new(Runner {
            job,
            plan,
            observer,
            background,
            state: Mutex::new(state),
            changed: Notify::new(),
        })
    }

    /// The last result where it is young enough, else the run in flight, else a new run.
    ///
    /// Who reads a job that runs in the background starts none.
    pub(crate) fn ask(self: &Arc<Self>, now: Instant) -> Asked<V> {
        let may_begin = matches!(self.plan.schedule, Schedule::OnDemand { .. });
        loop {
            let state = self.lock();
            if let Some(reading) = self.fresh(&state, now) {
                return Asked::Known(reading);
            }
            match &state.run {
                Some(run) if now < run.overdue() => return Asked::Running(run.id),
                Some(run) => {
                    let id = run.id;
                    drop(state);
                    self.time_out(id);
                }
                None if may_begin && !state.is_closed => return self.begin(state, now),
                None => return Asked::Known(self.late(&state, now, Missing::NotYet)),
            }
        }
    }

    /// What was asked at `since`, waited for as long as `budget`.
    pub(crate) async fn settle(
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

    /// Waits for a run, until `budget` is spent; then the last result has to do.
    pub(crate) async fn wait(
        self: &Arc<Self>,
        mut id: u64,
        asked: Instant,
        budget: Duration,
    ) -> Reading<V> {
        let until = asked + budget;
        let mut is_second_try = false;
        loop {
            let next = {
                let now = Instant::now();
                let state = self.lock();
                match (&state.last, &state.run) {
                    (Some(last), _) if last.run >= id => return self.current(last),
                    (_, Some(run)) if now >= run.overdue() => Next::TimeOut(run.id),
                    (_, Some(_)) if now >= until => {
                        return self.late(&state, now, Missing::Late(budget));
                    }
                    // If ours was dropped and another began meanwhile, that one will do.
                    (_, Some(run)) => {
                        // Made under the lock, so that no change from here on is missed.
                        Next::Sleep(run.overdue().min(until), self.changed.notified())
                    }
                    (_, None) if is_second_try => {
                        return self.late(&state, now, Missing::Interrupted);
                    }
                    (_, None) => Next::AskAgain,
                }
            };
            match next {
                // Whether it was woken or slept through, the state tells what has happened.
                Next::Sleep(deadline, changed) => drop(timeout_at(deadline, changed).await),
                Next::TimeOut(run) => self.time_out(run),
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

    /// Ends everything: nobody is left to ask.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        let run = state.run.take().and_then(|run| run.task);
        let beat = state.beat.take();
        drop(state);
        for task in run.into_iter().chain(beat) {
            task.abort();
        }
    }

    /// Starts no further run. One that is in flight is still waited for.
    pub(crate) fn retire(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        let beat = state.beat.take();
        drop(state);
        if let Some(beat) = beat {
            beat.abort();
        }
    }

    /// Whether there has been a success after which nothing is run again.
    pub(crate) fn is_settled(&self) -> bool {
        self.settled(&self.lock())
    }

    /// Starts what runs unasked: the beat, or one first run.
    pub(crate) fn start_in_background(self: &Arc<Self>, now: Instant, first_run: bool) {
        match self.plan.schedule {
            Schedule::Background { interval } => self.start_beat(now, interval),
            Schedule::OnDemand { .. } if first_run => {
                let state = self.lock();
                if state.last.is_none() && state.run.is_none() && !state.is_closed {
                    self.begin(state, now);
                }
            }
            Schedule::OnDemand { .. } => {}
        }
    }

    fn begin(self: &Arc<Self>, mut state: MutexGuard<'_, State<V>>, now: Instant) -> Asked<V> {
        let Ok(runtime) = Handle::try_current() else {
            return Asked::Known(self.late(&state, now, Missing::NoRuntime));
        };
        state.runs += 1;
        let id = state.runs;
        let deadline = now + self.plan.timeout;
        state.run = Some(Run { id, started: now, deadline, task: None });
        if let Some(Stuck { since, .. }) = state.stuck {
            // Another run would only block another thread.
            drop(state);
            self.finish(id, V::from_failure(Failure::StillRunning(since)), now, now);
            return Asked::Running(id);
        }
        // A runtime that is shutting down drops the task here and now, which takes the lock.
        drop(state);
        let task = runtime.spawn(Arc::clone(self).run(id, now, deadline));
        if runtime.runtime_flavor() == RuntimeFlavor::MultiThread {
            // A worker keeps what it has spawned last to itself and wakes no other worker for it. If
            // that were a check that blocks, nobody might be left to look for events.
            drop(runtime.spawn(async {}));
        }
        let mut state = self.lock();
        let is_closed = state.is_closed;
        match &mut state.run {
            Some(run) if run.id == id => run.task = Some(task.abort_handle()),
            // Closed meanwhile, by somebody who had no handle to end it with.
            _ if is_closed => task.abort(),
            _ => {}
        }
        drop(state);
        Asked::Running(id)
    }

    fn run(
        self: Arc<Self>,
        id: u64,
        started: Instant,
        deadline: Instant,
    ) -> impl Future<Output = ()> + Send {
        // Outside of the future, so that it is there if the task is never polled.
        let place = Place { runner: self, id };
        async move {
            let runner = &place.runner;
            let mut job = None;
            let guarded = poll_fn(|cx| {
                catch_unwind(AssertUnwindSafe(|| {
                    job.get_or_insert_with(|| runner.job.start()).as_mut().poll(cx)
                }))
                .unwrap_or_else(|payload| Poll::Ready(Err(Failure::from_panic(&*payload))))
            });
            let result = timeout_at(deadline, guarded).await;
            let now = Instant::now();
            let (result, ended) = match result {
                Ok(result) if now <= deadline => (result, now),
                // A future that blocked its thread ends before its timer is looked at.
                _ => (Err(Failure::TimedOut(runner.plan.timeout)), deadline),
            };
            runner.finish(id, result.unwrap_or_else(V::from_failure), started, ended);
            // Last of all, since what the user's future drops may panic or block.
            drop(job);
        }
    }

    /// Keeps the outcome of a run and tells everyone, unless that run has already ended.
    fn finish(&self, id: u64, value: V, started: Instant, ended: Instant) {
        let mut state = self.lock();
        if state.run.as_ref().is_none_or(|run| run.id != id) {
            return;
        }
        state.run = None;
        let failures = if value.is_success() {
            0
        } else {
            state.last.as_ref().map_or(0, |last| last.failures).saturating_add(1)
        };
        let outcome = Arc::new(Outcome {
            value,
            run: id,
            ended,
            checked_at: SystemTime::now() - ended.elapsed(),
            duration: ended - started,
            failures,
        });
        let previous = state.last.replace(Arc::clone(&outcome));
        let is_watched = !state.is_closed;
        drop(state);
        // Even if whoever listens panics, those who wait are woken.
        let _wake = Wake(&self.changed);
        if is_watched {
            (self.observer)(previous.as_deref(), &outcome);
        }
    }

    /// Ends a run whose deadline has passed, from outside.
    fn time_out(&self, id: u64) {
        let mut state = self.lock();
        let Some(run) = state.run.as_mut().filter(|run| run.id == id) else { return };
        let (started, deadline, task) = (run.started, run.deadline, run.task.take());
        state.stuck = Some(Stuck { run: id, since: SystemTime::now() - started.elapsed() });
        drop(state);
        let failure = V::from_failure(Failure::TimedOut(self.plan.timeout));
        self.finish(id, failure, started, deadline);
        if let Some(task) = task {
            task.abort();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<V>> {
        // Nothing of the user's runs under the lock, and each change of the state is a whole one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Wake<'a>(&'a Notify);

impl Drop for Wake<'_> {
    fn drop(&mut self) {
        self.0.notify_waiters();
    }
}

/// The place of a run in flight, which the run leaves however it ends.
struct Place<V: Value> {
    runner: Arc<Runner<V>>,
    id: u64,
}

impl<V: Value> Drop for Place<V> {
    fn drop(&mut self) {
        let mut state = self.runner.lock();
        if state.stuck.is_some_and(|stuck| stuck.run == self.id) {
            state.stuck = None;
        }
        if state.run.as_ref().is_some_and(|run| run.id == self.id) {
            state.run = None;
            drop(state);
            self.runner.changed.notify_waiters();
        }
    }
}
