//! Whether a runtime runs tasks.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::sync::Mutex;

/// Empty tasks on a runtime, one at a time.
#[derive(Debug, Default)]
pub(crate) struct Pulse {
    waiting: Mutex<Waiting>,
    ran: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    /// When the task that has not run yet was scheduled.
    since: Option<Instant>,
    /// Distinguishes that task from those of an earlier runtime.
    task: u64,
}

impl Pulse {
    /// Schedules a task, unless one has not run yet. Returns when that task was scheduled.
    pub(super) fn send(self: &Arc<Self>, runtime: &Handle) -> Instant {
        let mut waiting = self.waiting.lock();
        if let Some(since) = waiting.since {
            return since;
        }
        let since = Instant::now();
        waiting.since = Some(since);
        waiting.task += 1;
        let (pulse, task) = (Arc::clone(self), waiting.task);
        drop(waiting);
        runtime.spawn(async move { pulse.receive(task) });
        since
    }

    /// When the task that has not run yet was scheduled, if there is one.
    pub(crate) fn waiting_since(&self) -> Option<Instant> {
        self.waiting.lock().since
    }

    /// Ready when a task has run since the last call.
    pub(crate) async fn ran(&self) {
        self.ran.notified().await;
    }

    /// Waits for no task any more: the runtime is another one.
    pub(super) fn forget(&self) {
        self.waiting.lock().since = None;
        self.ran.notify_one();
    }

    /// Waits for a task that never runs: the runtime has gone.
    pub(super) fn lose(&self) {
        self.waiting.lock().since.get_or_insert_with(Instant::now);
    }

    fn receive(&self, task: u64) {
        let mut waiting = self.waiting.lock();
        if waiting.task == task {
            waiting.since = None;
        }
        drop(waiting);
        self.ran.notify_one();
    }
}
