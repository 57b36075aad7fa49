//! Panics of a job: caught, and printed once while they repeat.
//!
//! Rust's panic hook runs before a panic is caught, and prints a backtrace where `RUST_BACKTRACE` asks for one: a
//! check that panics on every run would fill the log. So the first panic of a job puts a hook around that of the
//! program, once. It passes everything on, except for a panic on a thread that is just running a job whose last
//! success lies before a panic at the same place.

use std::any::Any;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, MutexGuard, Once, Weak};
use std::thread;

use super::Failure;

use crate::sync::Mutex;

thread_local! {
    /// The job that this thread is just running, as [`Panics::id`] has it.
    static RUNNING: Cell<usize> = const { Cell::new(0) };
}

/// Every job that has panicked.
static PANICKED: Mutex<Vec<Weak<Panics>>> = Mutex::new(Vec::new());

/// What has been printed of a job's panics since its last success.
#[derive(Debug, Default)]
pub(super) struct Panics {
    printed: Mutex<Printed>,
    /// It has panicked since its last success.
    has_panicked: AtomicBool,
}

#[derive(Debug, Default)]
struct Printed {
    places: Vec<Place>,
    /// The text of a panic that was printed before there was a hook of ours, so that nobody knows its place.
    said: Option<String>,
}

#[derive(Debug, PartialEq)]
struct Place {
    file: String,
    line: u32,
    column: u32,
}

impl Panics {
    /// Runs a part of the job.
    #[inline]
    pub(super) fn catch<T>(
        self: &Arc<Self>,
        run: impl FnOnce() -> T,
        failed: impl FnOnce(Failure) -> T,
    ) -> T {
        let _running = Running(RUNNING.replace(self.id()));
        match catch_unwind(AssertUnwindSafe(run)) {
            Ok(done) => done,
            Err(payload) => failed(self.caught(&*payload)),
        }
    }

    /// Takes note of a panic.
    #[cold]
    fn caught(self: &Arc<Self>, payload: &(dyn Any + Send)) -> Failure {
        let said = said(payload);
        let mut printed = self.printed();
        if printed.places.is_empty() {
            printed.said.get_or_insert_with(|| said.clone());
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
        Failure::Panicked(said)
    }

    /// What tells it from all other jobs that there are.
    fn id(self: &Arc<Self>) -> usize {
        Arc::as_ptr(self).addr()
    }

    /// The job does what it is for: its next panic is printed.
    pub(super) fn forget(&self) {
        if self.has_panicked.swap(false, Ordering::AcqRel) {
            *self.printed() = Printed::default();
        }
    }

    /// Whether this panic has been printed; if not, it is now.
    fn is_printed(&self, panic: &PanicHookInfo<'_>) -> bool {
        let place = panic.location().map(|location| Place {
            file: location.file().to_owned(),
            line: location.line(),
            column: location.column(),
        });
        let Some(place) = place else { return false };
        let mut printed = self.printed();
        if printed.places.contains(&place) {
            // Whatever its text, in which there may be a counter.
            return true;
        }
        printed.places.push(place);
        printed.said.take().is_some_and(|before| before == said(panic.payload()))
    }

    fn printed(&self) -> MutexGuard<'_, Printed> {
        self.printed.lock()
    }
}

/// While it is there, the thread runs a job; then what it ran before.
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
    // A job may be dropped in an unwinding, where a hook cannot be set.
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

/// What a panic says.
fn said(payload: &(dyn Any + Send)) -> String {
    let said = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    crate::text::tidy(said.unwrap_or("of an unknown type"))
}
