//! Lets tasks give way to others through the queue of their runtime.

use std::future::poll_fn;
use std::task::{Context, Poll};

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::yield_now;

/// Sends a task through the queue of its runtime before it continues.
///
/// Workers steal from that queue, and one of them is woken for it. [`tokio::task::yield_now`] would leave the task
/// with its own worker, where it waits as long as a check blocks that worker.
#[derive(Default)]
pub(super) struct Turn {
    is_queued: bool,
}

impl Turn {
    /// Is ready on every second call.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.is_queued = !self.is_queued;
        if self.is_queued {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    }
}

/// Goes through the queue of the runtime once; see [`Turn`].
pub(super) async fn requeue() {
    let mut turn = Turn::default();
    poll_fn(|cx| turn.poll(cx)).await;
}

/// Lets the runs that have just started go first.
pub(crate) async fn give_way() {
    if Handle::try_current().is_ok_and(|runtime| has_workers(&runtime)) {
        requeue().await;
    } else {
        yield_now().await;
    }
}

/// Whether a task can continue while another one blocks its thread.
pub(super) fn has_workers(runtime: &Handle) -> bool {
    runtime.runtime_flavor() != RuntimeFlavor::CurrentThread
}
