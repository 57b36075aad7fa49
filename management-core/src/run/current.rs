use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::run::failure::Failure;
use crate::sync::Mutex;
use crate::text;

tokio::task_local! {
    static CURRENT: CurrentRun;
}

/// The run of a check, for the code that runs in it.
///
/// A check that does several things in turn names each of them as a [`step`](Self::step). If the run exceeds its deadline,
/// its reason tells what it was doing: `timed out after 4s while connecting`.
///
/// ```standalone_crate
/// use management_core::{CurrentRun, health_check};
/// # async fn connect() -> std::io::Result<()> { Ok(()) }
/// # async fn ask() -> std::io::Result<()> { Ok(()) }
///
/// #[health_check("billing")]
/// async fn billing() -> std::io::Result<()> {
///     CurrentRun::step("connecting");
///     connect().await?;
///     CurrentRun::step("waiting for an answer");
///     ask().await
/// }
/// ```
///
/// A task or thread that a check starts is not part of the run: there, a step has no effect.
#[derive(Clone)]
pub struct CurrentRun(Arc<Inner>);

struct Inner {
    timeout: Duration,
    step: Mutex<Cow<'static, str>>,
}

impl CurrentRun {
    pub(super) fn new(timeout: Duration) -> Self {
        CurrentRun(Arc::new(Inner { timeout, step: Mutex::new(Cow::Borrowed("")) }))
    }

    /// Names what the run does from now on, in words that follow "while".
    pub fn step(doing: impl Into<Cow<'static, str>>) {
        // Outside of a run, a step has no effect.
        _ = CURRENT.try_with(|run| *run.0.step.lock() = doing.into());
    }

    /// The deadline of the run, counted from its begin; `None` outside of a run, and in an
    /// [instant](crate::Check::instant) check.
    ///
    /// The deadline is watched in any case. This is for checks that divide the time between several things.
    pub fn timeout() -> Option<Duration> {
        CURRENT.try_with(|run| run.0.timeout).ok()
    }

    /// Calls a function that is part of the run.
    pub(super) fn enter<T>(&self, function: impl FnOnce() -> T) -> T {
        CURRENT.sync_scope(self.clone(), function)
    }

    /// The failure of the run if its deadline passes now.
    pub(super) fn timed_out(&self) -> Failure {
        let step = text::tidy(self.0.step.lock());
        Failure::TimedOut { after: self.0.timeout, step }
    }
}

impl fmt::Debug for CurrentRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CurrentRun").finish_non_exhaustive()
    }
}
