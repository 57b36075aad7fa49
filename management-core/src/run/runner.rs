//! One job, and its run in flight.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, MutexGuard};
use std::task::Poll;
use std::thread;
use std::time::{Duration, SystemTime};

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio::task::AbortHandle;
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};

use crate::run::background::Background;
use crate::run::blocked::{Blocked, Found, Polling};
use crate::run::failure::Failure;
use crate::run::job::Job;
use crate::run::outcome::{Asked, Missing, Outcome, Ran, Reading};
use crate::run::plan::{Plan, Schedule};
use crate::run::queue::{Turn, has_workers, requeue};
use crate::run::runtimes::Runtimes;
use crate::sync::Mutex;
use crate::text::secret::Names;

/// How long a run may take to begin, or an empty task to run, before their runtime counts as stalled for a request.
/// The request then uses the last result instead of waiting for its whole budget.
const PATIENCE: Duration = Duration::from_millis(50);

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

    /// Makes a failure that is tolerated a success, if the type has successes of lower quality.
    fn soften(&mut self) {}

    /// Masks the secrets of names that the program has added.
    fn mask(&mut self, names: &Names);
}

/// Called with every outcome and the one before it.
pub(crate) type Observer<V> = Box<dyn Fn(Option<&Outcome<V>>, &Arc<Outcome<V>>) + Send + Sync>;

/// One job, its schedule, the run in flight and the last outcome.
pub(crate) struct Runner<V> {
    /// Its name in the log.
    pub(super) what: String,
    pub(super) job: Job<V>,
    pub(super) plan: Plan,
    pub(super) observer: Observer<V>,
    pub(super) background: Arc<Background>,
    pub(super) secrets: Arc<Names>,
    pub(super) state: Mutex<State<V>>,
    pub(super) changed: Notify,
    pub(super) polling: Polling,
}

pub(super) struct State<V> {
    pub(super) run: Option<Run>,
    pub(super) stuck: Option<Stuck>,
    pub(super) blocked: Blocked,
    pub(super) runs: u64,
    pub(super) last: Option<Arc<Outcome<V>>>,
    pub(super) has_succeeded: bool,
    pub(super) beat: Option<AbortHandle>,
    pub(super) is_beating: bool,
    pub(super) is_closed: bool,
}

impl<V> State<V> {
    /// The last run, if it has ended and its task is about to end.
    fn leaving(&self, now: Instant) -> Option<Stuck> {
        self.stuck.filter(|stuck| now < stuck.expected)
    }
}

/// The next step of a request that waits.
enum Next<'a, V> {
    Sleep(Instant, Notified<'a>),
    TimeOut(u64),
    GiveUp(u64, Reading<V>),
    /// The run was dropped with its runtime.
    AskAgain,
}

/// The run in flight.
pub(super) struct Run {
    pub(super) id: u64,
    spawned: Instant,
    /// The first poll, and the deadline that begins with it; `None` while the run waits for its runtime.
    begun: Option<Begun>,
    task: Option<AbortHandle>,
}

#[derive(Clone, Copy)]
struct Begun {
    at: Instant,
    deadline: Instant,
}

impl Run {
    /// When others end the run; `None` before its first poll. Its own task does so earlier, unless the run blocks
    /// its thread.
    fn overdue(&self) -> Option<Instant> {
        self.begun.map(|begun| begun.deadline + Duration::from_millis(10))
    }

    pub(super) fn is_overdue(&self, now: Instant) -> bool {
        self.overdue().is_some_and(|overdue| overdue <= now)
    }

    /// Why it has no outcome for a request whose budget is spent.
    fn missing(&self, now: Instant, budget: Duration) -> Missing {
        if self.begun.is_none() && self.spawned + PATIENCE <= now {
            Missing::Stalled
        } else {
            Missing::Late(budget)
        }
    }
}

/// A run that has ended while its task has not: its future or a destructor blocks.
#[derive(Clone, Copy)]
pub(super) struct Stuck {
    run: u64,
    started: Instant,
    /// Until when the next run waits for its end.
    expected: Instant,
}

impl Stuck {
    fn since(&self) -> SystemTime {
        SystemTime::now() - self.started.elapsed()
    }
}

impl<V: Value> Runner<V> {
    pub(crate) fn new(
        what: String,
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
            is_beating: false,
            is_closed: false,
        };
        Arc::new(Runner {
            what,
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
            match &state.run {
                Some(run) if run.is_overdue(now) => {
                    let id = run.id;
                    drop(state);
                    self.time_out(id);
                }
                Some(run) => return Asked::Running(run.id),
                None if may_begin && !state.is_closed => return self.begin_next(state, now),
                None => return Asked::Known(self.late(&state, now, Missing::NotYet)),
            }
        }
    }

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

    pub(super) fn runtimes(&self) -> &Runtimes {
        &self.background.runtimes
    }

    /// Ends the run in flight if its deadline has passed and no request has ended it.
    pub(crate) fn end_overdue(&self, now: Instant) {
        let overdue = self.lock().run.as_ref().filter(|run| run.is_overdue(now)).map(|run| run.id);
        if let Some(id) = overdue {
            self.time_out(id);
        }
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
        state.runs += 1;
        let id = state.runs;
        state.run = Some(Run { id, spawned: now, begun: None, task: None });
        if let Some(stuck) = state.stuck {
            // Another run would block another thread.
            drop(state);
            self.finish(id, V::from_failure(Failure::StillRunning(stuck.since())), now, None);
            return Asked::Running(id);
        }
        // A runtime that is shutting down drops the task at once, which takes the lock.
        drop(state);
        let on = match self.runtimes().for_timers() {
            // Needs no worker of the application.
            Some(timers) if self.job.is_blocking() => timers,
            _ => runtime.clone(),
        };
        let task = on.spawn(Arc::clone(self).run(id, on.clone(), runtime));
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

    /// A run, for the runtime `on`. `runtime` is that of the application.
    fn run(
        self: Arc<Self>,
        id: u64,
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
                        || job.get_or_insert_with(|| runner.job.start(&runtime)).as_mut().poll(cx),
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
                        let limit = limit.as_mut().as_pin_mut().expect("it has just been set");
                        limit.poll(cx).map(|()| None)
                    }
                    _ => Poll::Pending,
                }
            });
            // A block of its own, so that the outcome is not part of the future afterwards.
            let is_left_in_the_middle = {
                let result = result.await;
                let now = Instant::now();
                let deadline = deadline.unwrap_or(now);
                let (result, ended) = match result {
                    Some(result) if now <= deadline => (result, now),
                    // A future that blocked its thread ends before its timer is polled.
                    _ => (Err(Failure::TimedOut(runner.plan.timeout)), deadline),
                };
                // A future that has returned holds nothing that could block.
                let leaves = result.is_err().then(|| ended + runner.plan.timeout);
                runner.finish(place.id, result.unwrap_or_else(V::from_failure), ended, leaves);
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

    /// Records the first poll of a run, with which its deadline begins.
    fn begin_deadline(&self, id: u64) -> Option<Instant> {
        let now = Instant::now();
        let deadline = now + self.plan.timeout;
        let mut state = self.lock();
        let run = state.run.as_mut().filter(|run| run.id == id)?;
        run.begun = Some(Begun { at: now, deadline });
        let is_late = run.spawned + PATIENCE <= now;
        drop(state);
        if is_late {
            // Requests that wait do not know the deadline yet.
            self.changed.notify_waiters();
        }
        Some(deadline)
    }

    /// Keeps the outcome of a run and wakes all requests, unless the run has already ended.
    ///
    /// If its task has not ended, the next run waits for that until `leaves`.
    fn finish(&self, id: u64, mut value: V, ended: Instant, leaves: Option<Instant>) {
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
            state.last.as_ref().map_or(0, |last| last.failures).saturating_add(1)
        };
        if failures > 0 && failures < self.plan.fail_after && state.has_succeeded {
            value.soften();
        }
        let outcome = Arc::new(Outcome {
            value,
            run: id,
            has_blocked: state.blocked.is(id),
            ended,
            ran: Some(Ran { at: SystemTime::now() - ended.elapsed(), duration: ended - started }),
            failures,
        });
        let previous = state.last.replace(Arc::clone(&outcome));
        let is_watched = !state.is_closed;
        drop(state);
        // Requests are woken even if the observer panics.
        let _wake = Wake(&self.changed);
        if is_watched {
            (self.observer)(previous.as_deref(), &outcome);
        }
    }

    /// Ends a run from outside when its deadline has passed.
    pub(super) fn time_out(&self, id: u64) {
        if self.lock().run.as_ref().is_none_or(|run| run.id != id) {
            return;
        }
        self.look_at(id, Found::Overdue);
        let mut state = self.lock();
        let Some(run) = state.run.as_mut().filter(|run| run.id == id) else { return };
        let Some(Begun { deadline, .. }) = run.begun else { return };
        let task = run.task.take();
        drop(state);
        let failure = V::from_failure(Failure::TimedOut(self.plan.timeout));
        // A task that occupies its thread is not expected to end.
        let is_blocked = self.polling.since().is_some();
        let leaves = if is_blocked { deadline } else { deadline + self.plan.timeout };
        self.finish(id, failure, deadline, Some(leaves));
        if let Some(task) = task {
            task.abort();
        }
    }

    /// Ends a blocking run at its deadline. Its own task cannot, and the next request may come much later.
    fn time_out_later(self: &Arc<Self>, id: u64) {
        let overdue = self.lock().run.as_ref().filter(|run| run.id == id).and_then(Run::overdue);
        if let (Some(overdue), Ok(runtime)) = (overdue, Handle::try_current()) {
            let runner = Arc::downgrade(self);
            runtime.spawn(async move {
                sleep_until(overdue).await;
                if let Some(runner) = runner.upgrade() {
                    runner.time_out(id);
                }
            });
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State<V>> {
        self.state.lock()
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
