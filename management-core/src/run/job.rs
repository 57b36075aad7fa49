//! What a run runs: a future, or a blocking function on a thread of its own.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::thread;
use std::time::SystemTime;

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::Failure;
use super::panics::Panics;

use crate::sync::Mutex;

pub(super) type Running<V> = Pin<Box<dyn Future<Output = Result<V, Failure>> + Send>>;

/// Something that can be started again and again, and ends with a `V`.
pub struct Job<V> {
    start: Box<dyn Fn() -> Running<V> + Send + Sync>,
    panics: Arc<Panics>,
}

impl<V: Send + 'static> Job<V> {
    /// A job whose runs are futures.
    pub fn future<F, Fut>(start: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = V> + Send + 'static,
    {
        let start = Box::new(move || -> Running<V> {
            let future = start();
            Box::pin(async move { Ok(future.await) })
        });
        Job { start, panics: Arc::default() }
    }

    /// A job that blocks its thread.
    ///
    /// It gets a detached thread per run, inside the runtime's context, and never one of tokio's
    /// blocking pool: a thread that is stuck there keeps the process from exiting, and the user's own
    /// work can fill that pool. There is at most one thread of a job.
    pub fn blocking<F>(work: F) -> Self
    where
        F: Fn() -> V + Send + Sync + 'static,
    {
        let panics = Arc::<Panics>::default();
        let own = Arc::clone(&panics);
        let thread = Arc::new(Blocking { work, running_since: Mutex::new(None), panics: own });
        Job { start: Box::new(move || Box::pin(Arc::clone(&thread).run())), panics }
    }

    pub(super) fn start(&self) -> Running<V> {
        (self.start)()
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
    /// Set while there is a thread, whether or not anybody still waits for it.
    running_since: Mutex<Option<SystemTime>>,
    panics: Arc<Panics>,
}

impl<F> Blocking<F> {
    async fn run<V>(self: Arc<Self>) -> Result<V, Failure>
    where
        F: Fn() -> V + Send + Sync + 'static,
        V: Send + 'static,
    {
        if let Some(since) = self.enter() {
            return Err(Failure::StillRunning(since));
        }
        let (done, outcome) = oneshot::channel();
        let runtime = Handle::current();
        let blocking = Arc::clone(&self);
        let spawned = thread::Builder::new().name("management-check".into()).spawn(move || {
            let result = blocking.call(&runtime);
            // Nobody waits for a run that was late: what it found is dropped.
            drop(done.send(result));
        });
        if let Err(error) = spawned {
            drop(Leave(&self.running_since));
            return Err(Failure::NoThread(error));
        }
        match outcome.await {
            Ok(result) => result,
            // Only where dropping what a panic carried panics again.
            Err(_) => Err(Failure::Panicked("while a panic was dropped".into())),
        }
    }

    fn call<V>(&self, runtime: &Handle) -> Result<V, Failure>
    where
        F: Fn() -> V,
    {
        // Left before anyone hears of the outcome, so that the next run finds the place free.
        let _leave = Leave(&self.running_since);
        let _context = runtime.enter();
        self.panics.catch(|| Ok((self.work)()), Err)
    }

    /// Takes the place of the one thread, or says since when it is taken.
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
