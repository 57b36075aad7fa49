//! Panics of a job: caught, and printed once while they repeat.
//!
//! Rust's panic hook runs before a panic is caught, and prints a backtrace where `RUST_BACKTRACE` asks for one: a
//! check that panics on every run would fill the log. So the first panic of a job puts a hook around that of the
//! program, once. It passes everything on, except for a panic on a thread that is just running a job whose last
//! success lies before a panic at the same place.

use std::any::Any;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::thread;

use super::Failure;

thread_local! {
    /// The job that this thread is just running.
    static RUNNING: Cell<Option<Arc<Panics>>> = const { Cell::new(None) };
}

/// What has been printed of a job's panics since its last success.
#[derive(Debug, Default)]
pub(super) struct Panics(Mutex<Printed>);

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
    pub(super) fn catch<T>(self: &Arc<Self>, run: impl FnOnce() -> T) -> Result<T, Failure> {
        let _running = Running(RUNNING.replace(Some(Arc::clone(self))));
        catch_unwind(AssertUnwindSafe(run)).map_err(|payload| {
            let said = said(&*payload);
            let mut printed = self.printed();
            if printed.places.is_empty() {
                printed.said.get_or_insert_with(|| said.clone());
            }
            drop(printed);
            put_hook();
            Failure::Panicked(said)
        })
    }

    /// The job does what it is for: its next panic is printed.
    pub(super) fn forget(&self) {
        *self.printed() = Printed::default();
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
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// While it is there, the thread runs a job; then what it ran before.
struct Running(Option<Arc<Panics>>);

impl Drop for Running {
    fn drop(&mut self) {
        RUNNING.set(self.0.take());
    }
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
            // A thread that is about to end may have no such value any more.
            let running = RUNNING.try_with(Cell::take).ok().flatten();
            if !running.as_ref().is_some_and(|job| job.is_printed(panic)) {
                hook(panic);
            }
            if let Some(job) = running {
                RUNNING.set(Some(job));
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
