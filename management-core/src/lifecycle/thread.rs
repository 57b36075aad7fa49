//! The thread of the endpoints.

use std::any::Any;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;
use std::thread;

use tokio::runtime::{self, Handle};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::lifecycle::watchdog;
use crate::line::{line, log_elsewhere};
use crate::management::{EndpointThread, Management};
use crate::run::panic_message;
use crate::text;

/// The name of the thread.
const NAME: &str = "management";

/// Starts the thread of the endpoints, unless it runs already. What is served there is answered while the
/// application's runtime is stalled.
///
/// The OS thread is named `management` and has a current-thread runtime of its own. Async checks still run on the
/// application's runtime, where their connection pools live. If that runtime is not known yet, it is the current one
/// from now on; see [`Builder::runtime`](crate::Builder::runtime). A watchdog on the thread measures how late the
/// application's runtime runs tasks.
///
/// The thread ends when the last [`Management`] is dropped, and everything on it with it.
///
/// ```
/// use management_core::endpoint::Endpoint;
/// use management_core::{Management, lifecycle};
///
/// # async fn serve(_: Endpoint) {}
/// let management = Management::new()?;
/// let thread = lifecycle::start_thread(&management)?;
/// thread.spawn(serve(Endpoint::on_management_port(thread.management())));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// Fails if the system has no thread left, or no event queue for its runtime.
pub fn start_thread(management: &Management) -> io::Result<ManagementThread> {
    let runtimes = management.runtimes();
    runtimes.adopt_current();
    let mut slot = management.thread();
    if let Some(thread) = &*slot {
        let runtime = thread.runtime.clone();
        return Ok(ManagementThread { runtime, management: management.uncounted() });
    }
    let failed = |error: io::Error| {
        io::Error::new(error.kind(), format!("cannot start the thread `{NAME}`: {error}"))
    };
    let runtime = runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let begun = Instant::now();
    let handle = runtime.handle().clone();
    let (stop, stopped) = oneshot::channel::<()>();
    let started = ManagementThread { runtime: handle.clone(), management: management.uncounted() };
    let own = started.clone();
    thread::Builder::new()
        .name(NAME.to_owned())
        .spawn(move || {
            log_elsewhere();
            // It fails when the sender is dropped, which is the signal.
            let run = || runtime.block_on(stopped).is_ok();
            if let Err(panic) = catch_unwind(AssertUnwindSafe(run)) {
                own.report_panic(&*panic);
            }
            own.management.runtimes().set_endpoints(None);
            // A lookup of a name may still be on its way.
            runtime.shutdown_background();
        })
        .map_err(failed)?;
    runtimes.set_endpoints(Some(handle.clone()));
    started.spawn(watchdog::watch(started.management.clone(), begun));
    *slot = Some(EndpointThread::new(handle, stop));
    drop(slot);
    // Background work that had no runtime so far has one now.
    management.wake();
    Ok(started)
}

/// The thread of the endpoints, returned by [`start_thread`]. Dropping it does not end the thread.
#[derive(Clone)]
pub struct ManagementThread {
    runtime: Handle,
    management: Management,
}

impl ManagementThread {
    /// The runtime of the thread.
    pub fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// The management for what runs on the thread. It does not keep the thread and background work alive, as other
    /// clones do.
    pub fn management(&self) -> &Management {
        &self.management
    }

    /// Spawns a task on the thread. If the task panics, the panic is logged and the service is *broken*.
    pub fn spawn<F>(&self, task: F) -> JoinHandle<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let thread = self.clone();
        self.runtime.spawn(async move {
            let mut task = pin!(task);
            let guarded = poll_fn(|cx| {
                catch_unwind(AssertUnwindSafe(|| task.as_mut().poll(cx))).unwrap_or_else(|panic| {
                    thread.report_panic(&*panic);
                    Poll::Ready(())
                })
            });
            guarded.await;
        })
    }

    /// Logs a panic that was caught on the thread, and makes the service *broken*.
    pub fn report_panic(&self, panic: &(dyn Any + Send)) {
        let availability = self.management.availability();
        // The panic may be one of the program's logger.
        let reported = catch_unwind(AssertUnwindSafe(|| {
            let mut message = panic_message(panic);
            text::mask_added(self.management.secrets(), &mut message);
            line!(
                ERROR,
                [thread = NAME, error = message.clone()],
                "the thread `{NAME}` panicked: {message}"
            );
        }));
        let broken = catch_unwind(AssertUnwindSafe(|| {
            availability.broken(format_args!("the thread `{NAME}` panicked"));
        }));
        // The panic hook has printed these, too.
        drop((reported, broken));
    }
}

impl fmt::Debug for ManagementThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManagementThread").finish_non_exhaustive()
    }
}
