//! What a check is: its name, kind, settings, state and result, and the entries of attributes.
//!
//! In: functions and closures, from attributes and from the builder. Out: jobs and their plans, for the runner. It does
//! not know which requests ask for a check, or how an answer shows the result.

pub(crate) mod awaited;
mod beats;
pub(crate) mod entry;
pub(crate) mod health;
pub(crate) mod heartbeat;
pub(crate) mod kind;
pub(crate) mod name;
pub(crate) mod origin;
pub(crate) mod probe;
pub(crate) mod provided;
pub(crate) mod returned;
pub(crate) mod settings;
pub(crate) mod state;
pub(crate) mod status;

use std::time::Duration;

use tokio::task::AbortHandle;

use crate::check::awaited::Awaited;
use crate::check::health::{Checked, Health};
use crate::check::heartbeat::Heartbeat;
use crate::check::kind::CheckKind;
use crate::check::origin::Origin;
use crate::check::settings::{Settings, setters};
use crate::check::state::Bind;
use crate::run::Job;

/// A check that is made at run time instead of by an attribute.
///
/// The setters have the names of the arguments of attributes. A value that is not set here is that of the
/// [`Builder`](crate::Builder), or else the default.
///
/// ```
/// use std::time::Duration;
/// use management_core::{Check, Management};
///
/// let queue = Check::new("queue", || async { Ok::<_, std::io::Error>(()) })
///     .readiness()
///     .timeout(Duration::from_millis(500));
/// let disk = Check::blocking("disk", || std::fs::metadata("/").map(drop))
///     .critical(false);
/// let management = Management::builder().check(queue).check(disk).build()?;
/// # Ok::<_, management_core::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "a check does nothing until it is given to a builder or registered"]
pub struct Check {
    pub(crate) name: String,
    pub(crate) kind: Option<CheckKind>,
    pub(crate) settings: Settings,
    pub(crate) groups: Option<Vec<String>>,
    pub(crate) origin: Origin,
    pub(crate) work: Work,
    /// The URL of a dependency, without its secrets.
    pub(crate) url: Option<String>,
    /// How readiness asks a dependency, if it does.
    pub(crate) cascade: Option<Cascade>,
    /// The mistakes in what it was made of.
    pub(crate) complaints: Vec<String>,
}

/// How readiness asks a dependency.
#[derive(Debug)]
pub(crate) struct Cascade {
    /// The URL and the job, if they differ from those of `/health`.
    pub(crate) own: Option<(String, Job<Health>)>,
}

/// The job of a check, or the function that makes it from the state.
#[derive(Debug)]
pub(crate) enum Work {
    Job(Job<Health>),
    Bind(fn(&mut Bind<'_>) -> Job<Health>),
}

impl Check {
    /// Makes a check from an async closure: `async || …` or `|| async { … }`.
    ///
    /// The future returns a value that is [`IntoHealth`](crate::IntoHealth), or a `Result` whose error is a
    /// `Box<dyn Error>`.
    ///
    /// Each run is a task of its own. A future that blocks its thread also blocks other tasks of the program; use
    /// [`Check::blocking`] for such work.
    #[track_caller]
    pub fn new<F, Fut, Shape>(name: impl Into<String>, check: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Awaited<Outcome: Checked<Shape>> + Send + 'static,
    {
        let job = Job::future(move || {
            let outcome = check().outcome();
            async move { outcome.await.health() }
        });
        Check::with(name.into(), Work::Job(job), Origin::caller())
    }

    /// Makes a check from a closure that blocks. Each run is on a thread of its own, and at most one thread runs a check.
    ///
    /// The closure returns the same types as the future of [`Check::new`].
    ///
    /// In a test with paused time, the clock jumps to the deadline while the thread runs, and the check times out. Use
    /// [`Check::new`] in such tests.
    #[track_caller]
    pub fn blocking<F, T, Shape>(name: impl Into<String>, check: F) -> Self
    where
        F: Fn() -> T + Send + Sync + 'static,
        T: Checked<Shape>,
    {
        let job = Job::blocking(move || check().health());
        Check::with(name.into(), Work::Job(job), Origin::caller())
    }

    /// Makes an *instant* check from a closure that does not block, such as one that reads an atomic.
    ///
    /// Each request calls the closure itself: without a task, a thread or a deadline, and without reusing a result. So
    /// the check is right even while the runtime is stalled, and its settings are `critical`, the groups and the kind
    /// alone. The closure returns the same types as the future of [`Check::new`].
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicUsize, Ordering};
    /// use management_core::{Check, Health, Management};
    ///
    /// let waiting = Arc::new(AtomicUsize::new(0));
    /// let queue = {
    ///     let waiting = Arc::clone(&waiting);
    ///     Check::instant("queue", move || match waiting.load(Ordering::Relaxed) {
    ///         ..1_000 => Health::up(),
    ///         more => Health::degraded(format!("{more} jobs are waiting")),
    ///     })
    /// };
    /// let management = Management::builder().check(queue).build()?;
    /// # Ok::<_, management_core::Error>(())
    /// ```
    #[track_caller]
    pub fn instant<F, T, Shape>(name: impl Into<String>, check: F) -> Self
    where
        F: Fn() -> T + Send + Sync + 'static,
        T: Checked<Shape>,
    {
        let job = Job::instant(move || check().health());
        Check::with(name.into(), Work::Job(job), Origin::caller())
    }

    /// Makes an [instant](Self::instant) check that is `DOWN` without a beat for the limit of the heartbeat, with
    /// `no progress for 42s`, and once every [`Heartbeat`] was dropped without [`Heartbeat::finish`], with `ended`.
    ///
    /// The details are `lastBeat`, the time of the last beat, and `beats`, the number of beats. [`Heartbeat`] has an
    /// example.
    #[track_caller]
    pub fn heartbeat(name: impl Into<String>, heartbeat: &Heartbeat) -> Self {
        let pulse = heartbeat.pulse();
        let job = Job::instant(move || pulse.health());
        let complaint = heartbeat.limit().is_zero().then(|| {
            "the limit of its heartbeat is zero: give `Heartbeat::new` the longest time without progress".into()
        });
        Check::with(name.into(), Work::Job(job), Origin::caller()).complain(complaint)
    }

    /// Makes an [instant](Self::instant) check that is `DOWN` once a task has ended, whether it has returned, has
    /// panicked or was aborted. The reason is `ended`.
    ///
    /// ```
    /// use management_core::{Check, Management, Status};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), management_core::Error> {
    /// let worker = tokio::spawn(std::future::pending::<()>());
    /// let management = Management::builder()
    ///     .check(Check::task("worker", worker.abort_handle()).liveness())
    ///     .build()?;
    /// assert_eq!(management.liveness().await.status(), Status::Up);
    ///
    /// worker.abort();
    /// worker.await.expect_err("it is aborted");
    /// assert_eq!(management.liveness().await.status(), Status::Down);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn task(name: impl Into<String>, task: AbortHandle) -> Self {
        let job =
            Job::instant(
                move || {
                    if task.is_finished() { Health::down("ended") } else { Health::up() }
                },
            );
        Check::with(name.into(), Work::Job(job), Origin::caller())
    }

    pub(crate) fn with(name: String, work: Work, origin: Origin) -> Self {
        Check {
            name,
            kind: None,
            settings: Settings::new(),
            groups: None,
            origin,
            work,
            url: None,
            cascade: None,
            complaints: Vec::new(),
        }
    }

    /// Adds mistakes in what it was made of, which `build()` then reports.
    pub(crate) fn complain(mut self, complaints: impl IntoIterator<Item = String>) -> Self {
        self.complaints.extend(complaints);
        self
    }

    /// Whether each request computes it.
    pub(crate) fn is_instant(&self) -> bool {
        matches!(&self.work, Work::Job(job) if job.is_instant())
    }

    /// Makes the check part of readiness.
    pub fn readiness(self) -> Self {
        self.kind(CheckKind::Readiness)
    }

    /// Makes the check part of liveness, and so of readiness.
    pub fn liveness(self) -> Self {
        self.kind(CheckKind::Liveness)
    }

    /// Makes the check part of startup, and of readiness until its first success.
    pub fn startup(self) -> Self {
        self.kind(CheckKind::Startup)
    }

    fn kind(mut self, kind: CheckKind) -> Self {
        self.kind = Some(kind);
        self
    }

    setters! { self, self.settings;
        /// The deadline of one run. Defaults to 4 s.
        timeout: Duration,
        /// How long a result is reused, or at most 1 s if it is a failure. Defaults to 1 s. With zero, each request
        /// needs a run that ends after the request.
        ttl: Duration,
        /// Runs the check in the background, this long after the end of the previous run. Requests only read the last
        /// result. Cannot be combined with [`ttl`](Self::ttl). Defaults to none.
        interval: Duration,
        /// How long after a failed run the next one begins, in place of [`interval`](Self::interval). Needs an interval,
        /// and cannot be longer. Defaults to `interval`.
        retry: Duration,
        /// The maximum age of a result while a newer one is due. Defaults to the longer of 60 s and twice `ttl` or
        /// `interval` plus `timeout`.
        valid_for: Duration,
        /// Whether a failure fails the whole, or only degrades it. Defaults to `true`.
        critical: bool,
        /// How many runs in a row must fail until the check counts as failed. Until then it is `DEGRADED`. A check that
        /// has never succeeded fails at once. A success resets the count. Defaults to 1.
        ///
        /// ```
        /// use std::time::Duration;
        /// use management_core::Check;
        ///
        /// let queue = Check::new("queue", async || true)
        ///     .interval(Duration::from_secs(30))
        ///     .retry(Duration::from_secs(2))
        ///     .fail_after(3);
        /// ```
        fail_after: u32,
    }

    /// The groups of the check: `payments` makes it part of `/health/payments`. Defaults to none.
    pub fn groups<G: Into<String>>(mut self, groups: impl IntoIterator<Item = G>) -> Self {
        self.groups = Some(groups.into_iter().map(Into::into).collect());
        self
    }
}
