//! The signals that end a process.

use std::future::pending;
use std::io;
use std::process;
use std::sync::MutexGuard;
use std::thread;

use management_core::__private::Mutex;
use management_core::lifecycle::{Signal, Signals};
use tokio::runtime::{self, Handle};

/// Installs the handlers before this returns, and passes each signal on to `signals`.
///
/// Signals count after the servers have ended, too: what the application closes then may hang.
pub(crate) fn handle(signals: Signals) -> io::Result<()> {
    if Handle::try_current().is_err() {
        return Err(io::Error::other("signals can only be handled inside a Tokio runtime"));
    }
    let mut receivers = receivers();
    if receivers.is_none() {
        start().map_err(|error| {
            io::Error::new(error.kind(), format!("cannot install signal handlers: {error}"))
        })?;
    }
    receivers.get_or_insert_default().push(signals);
    Ok(())
}

/// Everyone who receives signals; `None` until the handlers are installed.
static RECEIVERS: Mutex<Option<Vec<Signals>>> = Mutex::new(None);

fn receivers() -> MutexGuard<'static, Option<Vec<Signals>>> {
    RECEIVERS.lock()
}

/// Installs the handlers, and starts the thread that receives the signals.
///
/// The thread has a runtime of its own. A process may hang because its runtime does, or because it waits for the
/// runtime to shut down, and a third signal has to end it nevertheless.
fn start() -> io::Result<()> {
    let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
    let mut handlers = {
        let _context = runtime.enter();
        Handlers::install()?
    };
    let listen = async move {
        loop {
            let signal = handlers.next().await;
            // Not under the lock: a receiver logs, which may block or call `handle`.
            let mut informed = receivers().replace(Vec::new()).unwrap_or_default();
            for receiver in &mut informed {
                if let Some(code) = receiver.receive(signal).break_value() {
                    process::exit(code);
                }
            }
            let mut receivers = receivers();
            informed.append(receivers.get_or_insert_default());
            *receivers = Some(informed);
        }
    };
    thread::Builder::new()
        .name("management-signals".into())
        .spawn(move || runtime.block_on(listen))
        .map(|_| ())
}

#[cfg(unix)]
struct Handlers {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Handlers {
    fn install() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        let terminate = signal(SignalKind::terminate())?;
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Handlers { terminate, interrupt })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            Some(()) = self.terminate.recv() => Signal::Terminate,
            Some(()) = self.interrupt.recv() => Signal::Interrupt,
            // The driver of the runtime has ended.
            else => pending().await,
        }
    }
}

#[cfg(windows)]
struct Handlers {
    shutdown: tokio::signal::windows::CtrlShutdown,
    close: tokio::signal::windows::CtrlClose,
    interrupt: tokio::signal::windows::CtrlC,
}

#[cfg(windows)]
impl Handlers {
    fn install() -> io::Result<Self> {
        use tokio::signal::windows::{ctrl_c, ctrl_close, ctrl_shutdown};

        Ok(Handlers { shutdown: ctrl_shutdown()?, close: ctrl_close()?, interrupt: ctrl_c()? })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            Some(()) = self.shutdown.recv() => Signal::Terminate,
            Some(()) = self.close.recv() => Signal::Terminate,
            Some(()) = self.interrupt.recv() => Signal::Interrupt,
            else => pending().await,
        }
    }
}
