//! The work of a run: a future, a blocking function on a thread of its own, or a function that whoever asks calls.

use std::fmt;
use std::future::ready;
use std::pin::Pin;
use std::sync::Arc;
use std::thread;
use std::time::SystemTime;

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::Failure;
use super::panics::Panics;

use crate::run::current::CurrentRun;
use crate::run::span::RunSpan;
use crate::sync::Mutex;

pub(super) type Running<V> = Pin<Box<dyn Future<Output = Result<V, Failure>> + Send>>;

/// Starts a run. It is given the runtime of the application, and the span of the run.
type Start<V> = dyn Fn(&Handle, &RunSpan, &CurrentRun) -> Running<V> + Send + Sync;

/// Work that can be started any number of times and results in a `V`.
pub struct Job<V> {
    work: Work<V>,
    panics: Arc<Panics>,
}

enum Work<V> {
    Future(Box<Start<V>>),
    /// Each run has a thread of its own, and needs no worker of the runtime.
    Blocking(Box<Start<V>>),
    Instant(Box<dyn Fn() -> V + Send + Sync>),
}

impl<V: Send + 'static> Job<V> {
    /// A job whose runs are futures.
    pub fn future<F, Fut>(start: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = V> + Send + 'static,
    {
        let start = Box::new(move |_: &Handle, _: &RunSpan, _: &CurrentRun| -> Running<V> {
            let future = start();
            Box::pin(async move { Ok(future.await) })
        });
        Job { work: Work::Future(start), panics: Arc::default() }
    }

    /// A job that blocks its thread.
    ///
    /// Each run gets a detached thread inside the context of the runtime. It does not use tokio's blocking pool:
    /// a stuck thread there keeps the process from exiting, and the program's own work can fill the pool. A job
    /// has at most one thread.
    pub fn blocking<F>(work: F) -> Self
    where
        F: Fn() -> V + Send + Sync + 'static,
    {
        let panics = Arc::<Panics>::default();
        let own = Arc::clone(&panics);
        let thread = Arc::new(Blocking { work, running_since: Mutex::new(None), panics: own });
        let start =
            Box::new(move |runtime: &Handle, span: &RunSpan, current: &CurrentRun| -> Running<V> {
                let run = (span.clone(), current.clone());
                Box::pin(Arc::clone(&thread).run(runtime.clone(), run))
            });
        Job { work: Work::Blocking(start), panics }
    }

    /// A job that does not block, and that whoever asks calls.
    pub(crate) fn instant(work: impl Fn() -> V + Send + Sync + 'static) -> Self {
        Job { work: Work::Instant(Box::new(work)), panics: Arc::default() }
    }

    pub(super) fn start(
        &self,
        runtime: &Handle,
        span: &RunSpan,
        current: &CurrentRun,
    ) -> Running<V> {
        match &self.work {
            Work::Future(start) | Work::Blocking(start) => start(runtime, span, current),
            Work::Instant(work) => Box::pin(ready(Ok(work()))),
        }
    }

    /// The function of an instant job.
    pub(super) fn as_instant(&self) -> Option<&(dyn Fn() -> V + Send + Sync)> {
        match &self.work {
            Work::Instant(work) => Some(work),
            _ => None,
        }
    }

    pub(crate) fn is_instant(&self) -> bool {
        matches!(self.work, Work::Instant(_))
    }

    pub(super) fn is_blocking(&self) -> bool {
        matches!(self.work, Work::Blocking(_))
    }

    pub(super) fn panics(&self) -> &Arc<Panics> {
        &self.panics
    }
}

impl<V> fmt::Debug for Job<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").finish_non_exhaustive()
    }
}

struct Blocking<F> {
    work: F,
    /// Set while the job has a thread, even after its deadline.
    running_since: Mutex<Option<SystemTime>>,
    panics: Arc<Panics>,
}

impl<F> Blocking<F> {
    async fn run<V>(
        self: Arc<Self>,
        runtime: Handle,
        (span, current): (RunSpan, CurrentRun),
    ) -> Result<V, Failure>
    where
        F: Fn() -> V + Send + Sync + 'static,
        V: Send + 'static,
    {
        if let Some(since) = self.enter() {
            return Err(Failure::StillRunning(since));
        }
        let (done, outcome) = oneshot::channel();
        let blocking = Arc::clone(&self);
        let spawned = thread::Builder::new().name("management-check".into()).spawn(move || {
            let result = current.enter(|| blocking.call(&runtime, &span));
            // It fails if the run exceeded its deadline. The result is then dropped.
            _ = done.send(result);
        });
        if let Err(error) = spawned {
            drop(Leave(&self.running_since));
            return Err(Failure::NoThread(error));
        }
        match outcome.await {
            Ok(result) => result,
            // Dropping the payload of a panic can panic again.
            Err(_) => Err(Failure::Panicked("while a panic was dropped".into())),
        }
    }

    fn call<V>(&self, runtime: &Handle, span: &RunSpan) -> Result<V, Failure>
    where
        F: Fn() -> V,
    {
        // Released before the result is sent, so that the next run can have a thread.
        let _leave = Leave(&self.running_since);
        let _context = runtime.enter();
        let _entered = span.enter();
        self.panics.catch(|| Ok((self.work)()), Err)
    }

    /// Reserves the only thread, or returns since when it is taken.
    fn enter(&self) -> Option<SystemTime> {
        let mut running_since = self.running_since.lock();
        let taken = *running_since;
        if taken.is_none() {
            *running_since = Some(SystemTime::now());
        }
        taken
    }
}

struct Leave<'a>(&'a Mutex<Option<SystemTime>>);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        *self.0.lock() = None;
    }
}
