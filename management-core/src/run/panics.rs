//! Catches the panics of a job, and prints a repeated panic once.
//!
//! Rust's panic hook runs before a panic is caught, and may print a backtrace. A check that panics on every run
//! would fill the log. So the first panic of any job wraps the program's panic hook. The wrapper forwards every
//! panic, except that of a job at a place where the same job has panicked since its last success.

use std::any::Any;
use std::cell::Cell;
use std::mem;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, MutexGuard, Once, Weak};
use std::thread;

use super::Failure;

use crate::sync::Mutex;

thread_local! {
    /// The [`Panics::id`] of the job that this thread is running.
    static RUNNING: Cell<usize> = const { Cell::new(0) };
}

/// Every job that has panicked.
static PANICKED: Mutex<Vec<Weak<Panics>>> = Mutex::new(Vec::new());

/// The panics of a job that were printed since its last success.
#[derive(Debug, Default)]
pub(super) struct Panics {
    printed: Mutex<Printed>,
    /// Whether it has panicked since its last success.
    has_panicked: AtomicBool,
}

#[derive(Debug, Default)]
struct Printed {
    places: Vec<Place>,
    /// The message of a panic that was printed before the hook was wrapped, so that its place is unknown.
    message: Option<String>,
}

#[derive(Debug, PartialEq)]
struct Place {
    file: String,
    line: u32,
    column: u32,
}

impl Panics {
    /// Runs a part of the job, and catches its panic.
    #[inline]
    pub(super) fn catch<T>(
        self: &Arc<Self>,
        run: impl FnOnce() -> T,
        failed: impl FnOnce(Failure) -> T,
    ) -> T {
        let _running = Running(RUNNING.replace(self.id()));
        match catch_unwind(AssertUnwindSafe(run)) {
            Ok(done) => done,
            Err(payload) => {
                let failure = self.caught(&*payload);
                // Dropping the payload can panic again. What that panics with is leaked, or it would go on for ever.
                if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
                    mem::forget(again);
                }
                failed(failure)
            }
        }
    }

    /// Records a panic.
    #[cold]
    fn caught(self: &Arc<Self>, payload: &(dyn Any + Send)) -> Failure {
        let message = message(payload);
        let mut printed = self.printed();
        if printed.places.is_empty() {
            printed.message.get_or_insert_with(|| message.clone());
        }
        drop(printed);
        self.has_panicked.store(true, Ordering::Release);
        let mut panicked = panicked();
        panicked.retain(|job| job.strong_count() > 0);
        if !panicked.iter().any(|job| job.as_ptr() == Arc::as_ptr(self)) {
            panicked.push(Arc::downgrade(self));
        }
        drop(panicked);
        put_hook();
        Failure::Panicked(message)
    }

    /// Distinguishes it from all other jobs.
    fn id(self: &Arc<Self>) -> usize {
        Arc::as_ptr(self).addr()
    }

    /// Records a success, so that the next panic is printed.
    pub(super) fn forget(&self) {
        if self.has_panicked.swap(false, Ordering::AcqRel) {
            *self.printed() = Printed::default();
        }
    }

    /// Whether this panic was printed before. If not, records it as printed.
    fn is_printed(&self, panic: &PanicHookInfo<'_>) -> bool {
        let place = panic.location().map(|location| Place {
            file: location.file().to_owned(),
            line: location.line(),
            column: location.column(),
        });
        let Some(place) = place else { return false };
        let mut printed = self.printed();
        if printed.places.contains(&place) {
            // The message does not count, since it may contain a counter.
            return true;
        }
        printed.places.push(place);
        printed.message.take().is_some_and(|before| before == message(panic.payload()))
    }

    fn printed(&self) -> MutexGuard<'_, Printed> {
        self.printed.lock()
    }
}

/// Marks the job that a thread is running. Dropping it restores the job before.
struct Running(usize);

impl Drop for Running {
    fn drop(&mut self) {
        RUNNING.set(self.0);
    }
}

fn panicked() -> MutexGuard<'static, Vec<Weak<Panics>>> {
    PANICKED.lock()
}

fn put_hook() {
    static ONCE: Once = Once::new();
    // A hook cannot be set while the thread unwinds.
    if thread::panicking() {
        return;
    }
    ONCE.call_once(|| {
        let hook = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            let running = RUNNING.get();
            let find = |job: &Weak<Panics>| job.upgrade().filter(|job| job.id() == running);
            let job = panicked().iter().find_map(find);
            if !job.is_some_and(|job| job.is_printed(panic)) {
                hook(panic);
            }
        }));
    });
}

/// The message of a panic.
pub(crate) fn message(payload: &(dyn Any + Send)) -> String {
    let message = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    crate::text::tidy(message.unwrap_or("of an unknown type"))
}
