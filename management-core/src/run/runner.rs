//! One job, and its run in flight.

use std::sync::{Arc, MutexGuard};

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::run::background::{Background, InFlight};
use crate::run::blocked::{Blocked, Polling};
use crate::run::current::CurrentRun;
use crate::run::failure::Failure;
use crate::run::job::Job;
use crate::run::label::Label;
use crate::run::outcome::{Asked, Missing, Outcome};
use crate::run::plan::{Plan, Schedule};
use crate::run::runtimes::Runtimes;
use crate::run::span::RunSpan;
use crate::run::state::{Run, State};
use crate::sync::Mutex;
use crate::text::secret::Names;

/// A result that a runner can keep.
pub(crate) trait Value: Send + Sync + 'static {
    /// The result of a run that failed to produce one.
    fn from_failure(failure: Failure) -> Self;

    /// Whether the run succeeded.
    fn is_success(&self) -> bool;

    /// Whether an instant job has computed the same as before.
    fn is_same(&self, _: &Self) -> bool {
        false
    }

    /// What the span of a run is given as its status.
    fn status_text(&self) -> &'static str {
        if self.is_success() { "ok" } else { "error" }
    }

    /// Makes a failure that is tolerated a success, if the type has successes of lower quality.
    fn soften(&mut self) {}

    /// Masks the secrets of names that the program has added.
    fn mask(&mut self, names: &Names);
}

/// Called with every outcome and the one before it.
pub(crate) type Observer<V> = Box<dyn Fn(Option<&Outcome<V>>, &Arc<Outcome<V>>) + Send + Sync>;

/// One job, its schedule, the run in flight and the last outcome.
pub(crate) struct Runner<V> {
    pub(super) label: Arc<Label>,
    pub(super) job: Job<V>,
    pub(super) plan: Plan,
    pub(super) observer: Observer<V>,
    pub(super) background: Arc<Background>,
    pub(super) secrets: Arc<Names>,
    pub(super) state: Mutex<State<V>>,
    pub(super) changed: Notify,
    pub(super) polling: Polling,
}

impl<V: Value> Runner<V> {
    pub(crate) fn new(
        label: Label,
        job: Job<V>,
        plan: Plan,
        background: Arc<Background>,
        secrets: Arc<Names>,
        observer: Observer<V>,
    ) -> Arc<Self> {
        let state = State {
            run: None,
            stuck: None,
            blocked: Blocked::default(),
            runs: 0,
            last: None,
            has_succeeded: false,
            beat: None,
            beat_tasks: 0,
            is_beating: false,
            is_closed: false,
        };
        Arc::new(Runner {
            label: Arc::new(label),
            job,
            plan,
            observer,
            background,
            secrets,
            state: Mutex::new(state),
            changed: Notify::new(),
            polling: Polling::default(),
        })
    }

    /// The last outcome if it is fresh, else the run in flight, else a new run.
    ///
    /// A request never starts a background job.
    pub(crate) fn ask(self: &Arc<Self>, now: Instant) -> Asked<V> {
        if let Some(work) = self.job.as_instant() {
            return Asked::Known(self.compute(work, now));
        }
        let may_begin = matches!(self.plan.schedule, Schedule::OnDemand { .. });
        loop {
            let state = self.lock();
            if let Some(reading) = self.fresh(&state, now) {
                return Asked::Known(reading);
            }
            if let Some(id) = self.overdue_run(&state, now) {
                drop(state);
                self.time_out(id);
                continue;
            }
            match &state.run {
                Some(run) => return Asked::Running(run.id),
                None if may_begin && !state.is_closed => return self.begin_next(state, now),
                None => return Asked::Known(self.late(&state, now, Missing::NotYet)),
            }
        }
    }

    pub(super) fn runtimes(&self) -> &Runtimes {
        &self.background.runtimes
    }

    /// Ends everything, when the last `Management` is dropped.
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

    /// Starts no further run. Requests still get the result of one in flight.
    pub(crate) fn retire(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        let beat = state.beat.take();
        drop(state);
        if let Some(beat) = beat {
            beat.abort();
        }
    }

    /// Whether it has succeeded and never runs again.
    pub(crate) fn is_settled(&self) -> bool {
        self.settled(&self.lock())
    }

    /// Starts the background runs, or one first run.
    pub(crate) fn start_in_background(self: &Arc<Self>, now: Instant, first_run: bool) {
        match self.plan.schedule {
            Schedule::Background { .. } => self.start_beat(now),
            Schedule::OnDemand { .. } if first_run => {
                let state = self.lock();
                if state.last.is_none() && state.run.is_none() && !state.is_closed {
                    self.begin(state, now);
                }
            }
            Schedule::OnDemand { .. } | Schedule::Instant => {}
        }
    }

    /// Begins a run, or returns the number of the run that begins once the last one is gone.
    pub(super) fn begin_next(
        self: &Arc<Self>,
        state: MutexGuard<'_, State<V>>,
        now: Instant,
    ) -> Asked<V> {
        match state.leaving(now) {
            Some(_) => Asked::Running(state.runs + 1),
            None => self.begin(state, now),
        }
    }

    fn begin(self: &Arc<Self>, mut state: MutexGuard<'_, State<V>>, now: Instant) -> Asked<V> {
        let Some(runtime) = self.runtimes().for_runs() else {
            return Asked::Known(self.late(&state, now, Missing::NoRuntime));
        };
        let span = RunSpan::new(&self.label);
        let current = CurrentRun::new(self.plan.timeout);
        state.runs += 1;
        let id = state.runs;
        state.run = Some(Run {
            id,
            spawned: now,
            begun: None,
            task: None,
            span: span.clone(),
            current: current.clone(),
            _in_flight: (!self.job.is_blocking()).then(|| InFlight::new(&self.background)),
        });
        if let Some(stuck) = state.stuck {
            // Another run would block another thread.
            drop(state);
            self.finish(id, Err(Failure::StillRunning(stuck.since())), now, None);
            return Asked::Running(id);
        }
        // A runtime that is shutting down drops the task at once, which takes the lock.
        drop(state);
        let on = match self.runtimes().for_timers() {
            // Needs no worker of the application.
            Some(timers) if self.job.is_blocking() => timers,
            _ => runtime.clone(),
        };
        let task = on.spawn(Arc::clone(self).run(id, (span, current), on.clone(), runtime));
        let mut state = self.lock();
        let is_closed = state.is_closed;
        match &mut state.run {
            Some(run) if run.id == id => run.task = Some(task.abort_handle()),
            // It was closed meanwhile, when there was no handle to abort it.
            _ if is_closed => task.abort(),
            _ => {}
        }
        drop(state);
        Asked::Running(id)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State<V>> {
        self.state.lock()
    }
}
