//! What the system tells a process that is to end.

use std::future::pending;
use std::io;
use std::process;

use management_core::Availability;
use tokio::runtime::Handle;

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
/// delay, and the third one the process. Where there is no delay and the server `can_cut`, the second
/// signal cuts what is in flight.
///
/// The task that listens outlives the servers: what is closed after them may hang, too.
pub(crate) fn handle(availability: &Availability, can_cut: bool) -> io::Result<()> {
    let runtime = Handle::try_current().map_err(|_| {
        io::Error::other("signals can be handled inside of a Tokio runtime alone: call this there")
    })?;
    let mut signals = Signals::install().map_err(|error| {
        io::Error::new(error.kind(), format!("no handlers of signals: {error}"))
    })?;
    let availability = availability.clone();
    runtime.spawn(async move {
        let first = signals.next().await;
        let more = if can_cut { NEXT_CUTS } else { "" };
        let is_stopping = availability.drain_on_signal(first.name, first.is_interactive, more);
        let second = signals.next().await;
        let why = format!("a second signal, {}", second.name);
        if can_cut && is_stopping {
            availability.cut(why);
        } else {
            availability.stop(why);
        }
        let third = signals.next().await;
        tracing::warn!(target: "management", "exiting at once: a third signal, {}", third.name);
        process::exit(128 + third.number);
    });
    Ok(())
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
