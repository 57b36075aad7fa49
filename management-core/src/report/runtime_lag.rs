//! How late the application's runtime runs tasks, as the watchdog measures it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use crate::check::health::Health;
use crate::check::kind::CheckKind;
use crate::check::name::RUNTIME;
use crate::line::milliseconds;
use crate::report::about::About;
use crate::report::component::Component;
use crate::text::seconds;

/// How late the application's runtime runs tasks.
#[derive(Debug)]
pub(crate) struct RuntimeLag {
    /// Milliseconds; 0 while tasks run in time.
    lag: AtomicU64,
    /// Whether there is a watchdog.
    is_watched: AtomicBool,
    /// From when on only a restart helps, if ever.
    limit: Option<Duration>,
}

impl RuntimeLag {
    /// A limit of zero means that there is none.
    pub(crate) fn new(limit: Duration) -> Self {
        let limit = Some(limit).filter(|limit| !limit.is_zero());
        RuntimeLag { lag: AtomicU64::new(0), is_watched: AtomicBool::new(false), limit }
    }

    /// Records that there is a watchdog.
    pub(crate) fn begin(&self) {
        self.is_watched.store(true, Ordering::Release);
    }

    /// Sets the lag, and returns the one before.
    pub(crate) fn set(&self, lag: Duration) -> Option<Duration> {
        self.replace(milliseconds(lag))
    }

    /// Records that tasks run in time, and returns the lag before.
    pub(crate) fn clear(&self) -> Option<Duration> {
        self.replace(0)
    }

    fn replace(&self, lag: u64) -> Option<Duration> {
        duration(self.lag.swap(lag, Ordering::AcqRel))
    }

    /// The component while tasks run late.
    pub(crate) fn component(&self) -> Option<Component> {
        static ABOUT: LazyLock<Arc<About>> = LazyLock::new(|| about(false));
        self.lag().map(|lag| Component::without_run(&ABOUT, health(Health::degraded, lag)))
    }

    /// The component of probes once the limit is exceeded.
    pub(crate) fn stalled(&self) -> Option<Component> {
        static ABOUT: LazyLock<Arc<About>> = LazyLock::new(|| about(true));
        let lag = self.lag().filter(|lag| self.limit.is_some_and(|limit| limit < *lag))?;
        Some(Component::without_run(&ABOUT, health(Health::down, lag)))
    }

    /// The component of an answer about the runtime alone; `None` without a watchdog.
    pub(crate) fn component_always(&self) -> Option<Component> {
        let is_watched = self.is_watched.load(Ordering::Acquire);
        is_watched.then(|| {
            self.component().unwrap_or_else(|| {
                Component::without_run(&about(false), Health::up().detail(LAG, 0))
            })
        })
    }

    /// The lag, zero while tasks run in time; `None` without a watchdog.
    #[cfg(feature = "_series")]
    pub(crate) fn measured(&self) -> Option<Duration> {
        let is_watched = self.is_watched.load(Ordering::Acquire);
        is_watched.then(|| self.lag().unwrap_or_default())
    }

    fn lag(&self) -> Option<Duration> {
        duration(self.lag.load(Ordering::Acquire))
    }
}

/// The key of the detail.
const LAG: &str = "lagMs";

fn health(with_reason: fn(String) -> Health, lag: Duration) -> Health {
    with_reason(format!("no task has run for {}", seconds(lag))).detail(LAG, milliseconds(lag))
}

fn about(critical: bool) -> Arc<About> {
    Arc::new(About { name: RUNTIME.to_owned(), kind: CheckKind::Health, critical, url: None })
}

fn duration(lag: u64) -> Option<Duration> {
    (lag > 0).then(|| Duration::from_millis(lag))
}
