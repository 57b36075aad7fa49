pub(crate) mod awaited;
pub(crate) mod entry;
pub(crate) mod health;
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

use crate::check::awaited::Awaited;
use crate::check::health::{Checked, Health};
use crate::check::kind::CheckKind;
use crate::check::origin::Origin;
use crate::check::settings::Settings;
use crate::check::state::Bind;
use crate::run::Job;

/// A check that is made at run time rather than by an attribute.
///
/// Setters have the names of the attributes' arguments. What is not set here is taken from the
/// [`Builder`](crate::Builder), else from the library's defaults.
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
    /// Where a dependency is asked.
    pub(crate) url: Option<String>,
    /// How a dependency takes part in readiness, where it does.
    pub(crate) cascade: Option<Cascade>,
}

/// How readiness asks a dependency.
#[derive(Debug)]
pub(crate) struct Cascade {
    /// Where and how, if not as `/health` does.
    pub(crate) own: Option<(String, Job<Health>)>,
}

/// What a check runs, with its state or still without.
#[derive(Debug)]
pub(crate) enum Work {
    Job(Job<Health>),
    Bind(fn(&mut Bind<'_>) -> Job<Health>),
}

impl Check {
    /// A check that awaits. What it returns is [`IntoHealth`](crate::IntoHealth), or a `Result` whose error is
    /// a `Box<dyn Error>`.
    ///
    /// Each run is a task of its own. A future that blocks its thread keeps that thread from the
    /// rest of the program; [`Check::blocking`] is for such work.
    ///
    /// The closure returns a future: `async || …` or `|| async { … }`.
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

    /// A check that blocks: it gets a thread of its own, and never more than one. It returns what a
    /// [`Check::new`] returns.
    ///
    /// In a test with paused time, the clock jumps to the deadline while the thread is running, and the
    /// check is late: such tests use a [`Check::new`] in its place.
    #[track_caller]
    pub fn blocking<F, T, Shape>(name: impl Into<String>, check: F) -> Self
    where
        F: Fn() -> T + Send + Sync + 'static,
        T: Checked<Shape>,
    {
        let job = Job::blocking(move || check().health());
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
        }
    }

    /// Makes it a part of readiness.
    pub fn readiness(self) -> Self {
        self.kind(CheckKind::Readiness)
    }

    /// Makes it a part of liveness.
    pub fn liveness(self) -> Self {
        self.kind(CheckKind::Liveness)
    }

    /// Makes it a part of startup.
    pub fn startup(self) -> Self {
        self.kind(CheckKind::Startup)
    }

    fn kind(mut self, kind: CheckKind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// The deadline of one run. Defaults to 4 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = Some(timeout);
        self
    }

    /// For how long a result is served again. Defaults to 1 s. With zero, each request wants a run
    /// that ends after it asked.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.settings.ttl = Some(ttl);
        self
    }

    /// Runs it in the background, this long after the end of the run before; requests only read.
    /// Not together with [`ttl`](Self::ttl).
    pub fn interval(mut self, interval: Duration) -> Self {
        self.settings.interval = Some(interval);
        self
    }

    /// For how long after its run a result may be shown while a newer one is due. Defaults to the
    /// longer of 60 s and twice `ttl` or `interval` plus `timeout`.
    pub fn valid_for(mut self, valid_for: Duration) -> Self {
        self.settings.valid_for = Some(valid_for);
        self
    }

    /// Whether a failure fails the whole, or only degrades it. Defaults to `true`.
    pub fn critical(mut self, critical: bool) -> Self {
        self.settings.critical = Some(critical);
        self
    }

    /// The groups that it is also a part of: `/health/payments`, for instance. Defaults to none.
    pub fn groups<G: Into<String>>(mut self, groups: impl IntoIterator<Item = G>) -> Self {
        self.groups = Some(groups.into_iter().map(Into::into).collect());
        self
    }
}
