//! A log line of this library. Its target is `management`.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;
use std::{io, thread};

/// Logs a line at this level, with these fields. The rest is what `format!` takes.
///
/// A field is an owned value that `tracing` can record, or an `Option` of one: `None` leaves it out.
macro_rules! line {
    (@value $field:ident) => { $field };
    (@value $field:ident = $value:expr) => { $value };
    // A level that is not constant: WARN, INFO or DEBUG.
    (at $level:expr, $($line:tt)+) => {
        if $level == tracing::Level::WARN {
            $crate::line::line!(WARN, $($line)+);
        } else if $level == tracing::Level::INFO {
            $crate::line::line!(INFO, $($line)+);
        } else {
            $crate::line::line!(DEBUG, $($line)+);
        }
    };
    ($level:ident, [$($field:ident $(= $value:expr)?),+ $(,)?], $($text:tt)+) => {
        if tracing::event_enabled!(target: "management", tracing::Level::$level) {
            let text = format!($($text)+);
            let ($($field,)+) = ($($crate::line::line!(@value $field $(= $value)?),)+);
            $crate::line::emit(Box::new(move || {
                tracing::event!(target: "management", tracing::Level::$level, $($field,)+ "{text}");
            }));
        }
    };
}
pub(crate) use line;

/// A duration for a field. `tracing` has no type for it.
pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// How many lines wait for a logger that blocks.
const MAX_WAITING: usize = 1_024;

type Line = Box<dyn FnOnce() + Send>;

thread_local! {
    static LOGGER: RefCell<Logger> = const { RefCell::new(Logger::Here) };
}

/// Where the lines of a thread are logged.
enum Logger {
    /// On the thread itself.
    Here,
    /// On a thread of their own, which starts with the first line.
    Elsewhere(Option<Queue>),
}

impl Logger {
    /// Takes a line that is logged elsewhere.
    fn take(&mut self, line: &mut Option<Line>) {
        let Logger::Elsewhere(queue) = self else { return };
        if queue.is_none() {
            // Without a thread, a line that may block is better than none.
            *queue = Queue::start().ok();
        }
        if let Some(Queue { lines, lost }) = queue
            && let Some(line) = line.take()
            && lines.try_send(line).is_err()
        {
            lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Lines on their way to another thread.
struct Queue {
    lines: SyncSender<Line>,
    lost: Arc<AtomicU64>,
}

impl Queue {
    fn start() -> io::Result<Self> {
        let (lines, waiting) = sync_channel(MAX_WAITING);
        let lost = Arc::<AtomicU64>::default();
        let own = Arc::clone(&lost);
        thread::Builder::new().name("management-log".into()).spawn(move || log(&waiting, &own))?;
        Ok(Queue { lines, lost })
    }
}

/// Logs the lines of this thread from another one, from now on. The program's logger blocks while nobody reads its
/// output, which may be the very cause of a stall.
pub(crate) fn log_elsewhere() {
    LOGGER.set(Logger::Elsewhere(None));
}

/// Logs a line, or hands it over to the thread that does.
pub(crate) fn emit(line: Line) {
    let mut line = Some(line);
    // It fails while the thread ends, and then the line is logged here.
    _ = LOGGER.try_with(|logger| logger.borrow_mut().take(&mut line));
    // Not while the logger is borrowed: the program's own may log another line of this library.
    if let Some(line) = line {
        line();
    }
}

/// Logs lines until the thread that sends them has ended.
fn log(waiting: &Receiver<Line>, lost: &AtomicU64) {
    for line in waiting {
        let log = || {
            line();
            match lost.swap(0, Ordering::Relaxed) {
                0 => {}
                lost => line!(WARN, [lost], "{lost} lines were lost, since the logger was blocked"),
            }
        };
        // The panic hook prints a panic of the logger, and the next line may be logged.
        _ = catch_unwind(AssertUnwindSafe(log));
    }
}
