//! What the endpoints on their own thread answer while the application's runtime is stalled.
//!
//! The tests run one after the other, since they keep every processor busy.

mod application;
mod cost;
mod details;
mod edges;
mod limits;
mod logger;
mod panics;
mod prober;
mod reasons;
mod stopped;
mod watchdog;

use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use support::Lines;

/// What is logged on any thread.
static LINES: LazyLock<Lines> = LazyLock::new(|| {
    let lines = Lines::default();
    lines.capture_all();
    lines
});

/// Held by each test, so that no other one stalls a runtime or logs.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    LINES.take();
    alone
}

/// Waits for so many lines with this text. The thread of the endpoints logs from another one.
fn lines_with(text: &str, count: usize) -> Vec<String> {
    let mut found = Vec::new();
    wait_for(text, || {
        found.extend(LINES.take().into_iter().filter(|line| line.contains(text)));
        (found.len() >= count).then(|| std::mem::take(&mut found))
    })
}

/// Looks again and again until there is something.
fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + support::PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(5));
    }
}
