//! What the system tells a process that is to end.

use std::future::pending;
use std::io;
use std::process;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use management_core::Availability;
use tokio::runtime::{self, Handle};

/// A signal that ends a process.
#[derive(Clone, Copy)]
struct Signal {
    name: &'static str,
    number: i32,
    /// It comes from somebody who sits in front of it, and whom no load balancer stands before.
    is_interactive: bool,
}

const TERMINATE: Signal = Signal { name: "SIGTERM", number: 15, is_interactive: false };
const INTERRUPT: Signal = Signal { name: "SIGINT", number: 2, is_interactive: true };

/// What the log says of the next signal, where there is no delay that it could end.
const NEXT_CUTS: &str = "; the next signal cuts what is in flight";

/// Installs the handlers, here and now, and lets the first signal begin the drain, the second one end its
/// delay, and the third one the process. Where no delay is left and the server `can_cut`, the second
/// signal cuts what is in flight.
///
/// Signals are counted after the servers have ended, too: what is closed after them may hang.
pub(crate) fn handle(availability: &Availability, can_cut: bool) -> io::Result<()> {
    if Handle::try_current().is_err() {
        let why = "signals can be handled inside of a Tokio runtime alone: call this there";
        return Err(io::Error::other(why));
    }
    let mut listeners = listeners();
    if listeners.is_none() {
        start().map_err(|error| {
            io::Error::new(error.kind(), format!("no handlers of signals: {error}"))
        })?;
    }
    let listener = Listener { availability: availability.clone(), can_cut, next: Next::First };
    listeners.get_or_insert_default().push(listener);
    Ok(())
}

/// Those who hear of signals; nothing before the handlers are installed.
static LISTENERS: Mutex<Option<Vec<Listener>>> = Mutex::new(None);

fn listeners() -> MutexGuard<'static, Option<Vec<Listener>>> {
    LISTENERS.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Listener {
    availability: Availability,
    can_cut: bool,
    next: Next,
}

/// What the next signal does.
enum Next {
    First,
    Second,
    Third,
}

impl Listener {
    fn hear(&mut self, signal: Signal) {
        let Listener { availability, can_cut, next } = self;
        *next = match *next {
            Next::First => {
                let more = if *can_cut { NEXT_CUTS } else { "" };
                availability.drain_on_signal(signal.name, signal.is_interactive, more);
                Next::Second
            }
            Next::Second => {
                let why = format!("a second signal, {}", signal.name);
                if *can_cut && availability.is_stopping() {
                    availability.cut(why);
                } else {
                    availability.stop(why);
                }
                Next::Third
            }
            Next::Third => {
                tracing::warn!(target: "management", "exiting at once: a third signal, {}", signal.name);
                process::exit(128 + signal.number);
            }
        };
    }
}

/// Installs the handlers, and starts the thread that tells everyone of signals.
///
/// It is a thread with a runtime of its own: a process may hang because the program's runtime does, or
/// because that is waited for at its end, and a third signal has to end it nevertheless.
fn start() -> io::Result<()> {
    let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
    let mut signals = {
        let _context = runtime.enter();
        Signals::install()?
    };
    let listen = async move {
        loop {
            let signal = signals.next().await;
            // Not under the lock: whoever is told may take long, or ask to be told of the next one.
            let mut told = listeners().replace(Vec::new()).unwrap_or_default();
            told.iter_mut().for_each(|listener| listener.hear(signal));
            let mut listeners = listeners();
            told.append(listeners.get_or_insert_default());
            *listeners = Some(told);
        }
    };
    thread::Builder::new()
        .name("management-signals".into())
        .spawn(move || runtime.block_on(listen))
        .map(|_| ())
}

#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn install() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        let terminate = signal(SignalKind::terminate())?;
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Signals { terminate, interrupt })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            Some(()) = self.terminate.recv() => TERMINATE,
            Some(()) = self.interrupt.recv() => INTERRUPT,
            // Only where the runtime's driver has gone, and with it all that could be drained.
            else => pending().await,
        }
    }
}

#[cfg(windows)]
struct Signals {
    shutdown: tokio::signal::windows::CtrlShutdown,
    close: tokio::signal::windows::CtrlClose,
    interrupt: tokio::signal::windows::CtrlC,
}

#[cfg(windows)]
impl Signals {
    fn install() -> io::Result<Self> {
        use tokio::signal::windows::{ctrl_c, ctrl_close, ctrl_shutdown};

        Ok(Signals { shutdown: ctrl_shutdown()?, close: ctrl_close()?, interrupt: ctrl_c()? })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            Some(()) = self.shutdown.recv() => TERMINATE,
            Some(()) = self.close.recv() => TERMINATE,
            Some(()) = self.interrupt.recv() => INTERRUPT,
            else => pending().await,
        }
    }
}
