//! What systemd is told of the service, as `sd_notify(3)` describes it.

use std::env;
use std::io;
#[cfg(target_os = "linux")]
use std::os::linux::net::SocketAddrExt;
#[cfg(target_os = "linux")]
use std::os::unix::{
    ffi::OsStrExt,
    net::{SocketAddr, UnixDatagram},
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sd_notify::{NotifyState, watchdog_enabled};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until};

use crate::check::status::Status;
use crate::lifecycle::thread::ManagementThread;
use crate::line::line;
use crate::management::Management;
use crate::report::availability_state::AvailabilityState;

/// How often the worst component is looked for. Nothing runs for it.
const STATUS_PERIOD: Duration = Duration::from_secs(1);

/// Whether a service manager listens.
pub(super) fn is_present() -> bool {
    env::var_os("NOTIFY_SOCKET").is_some_and(|socket| !socket.is_empty())
}

/// Starts to notify the service manager, from the thread of the endpoints.
pub(super) fn start(thread: &ManagementThread) {
    let notifier = Notifier { management: thread.management().clone(), has_failed: Arc::default() };
    thread.spawn(notifier.clone().readiness());
    thread.spawn(notifier.clone().drain());
    thread.spawn(notifier.clone().status());
    if let Some(limit) = watchdog_enabled().filter(|limit| !limit.is_zero()) {
        thread.spawn(notifier.watchdog(limit / 2));
    }
}

#[derive(Clone)]
struct Notifier {
    management: Management,
    /// Whether a failure was logged.
    has_failed: Arc<AtomicBool>,
}

impl Notifier {
    async fn readiness(self) {
        let mut state = self.management.availability().subscribe();
        // It fails if the sender is gone, which `management` holds.
        if state.wait_for(|state| *state == AvailabilityState::Accepting).await.is_ok() {
            self.send(NotifyState::Ready).await;
        }
    }

    async fn drain(self) {
        let mut stop_at = self.management.availability().stop_at();
        if stop_at.wait_for(Option::is_some).await.is_ok() {
            self.send(NotifyState::Stopping).await;
        }
    }

    /// Names the worst component whenever it changes. Its reason is not for every user of the machine.
    async fn status(self) {
        let mut last = String::new();
        let mut next = Instant::now();
        loop {
            let worst = self.management.worst_component();
            let worst = worst.filter(|worst| worst.status() != Status::Up);
            let status = worst.map_or_else(|| Status::Up.to_string(), |worst| worst.summary());
            if status != last {
                last.clone_from(&status);
                self.send(NotifyState::Status(&status)).await;
            }
            next += STATUS_PERIOD;
            sleep_until(next).await;
        }
    }

    /// Reports at this pace that the process is alive, unless liveness is `DOWN`.
    async fn watchdog(self, period: Duration) {
        let mut next = Instant::now();
        loop {
            // In time, even if a check takes longer than the service manager waits.
            let report = self.management.liveness_within(period / 2).await;
            if report.status() != Status::Down {
                self.send(NotifyState::Watchdog).await;
            }
            next = (next + period).max(Instant::now());
            sleep_until(next).await;
        }
    }

    /// Sends on a thread of its own, since the queue of the service manager may be full.
    async fn send(&self, state: NotifyState<'_>) {
        let message = state.to_string();
        // Without a result, the runtime shuts down.
        let Ok(sent) = spawn_blocking(move || notify(&message)).await else { return };
        if let Err(error) = sent
            && !self.has_failed.swap(true, Ordering::Relaxed)
        {
            line!(
                WARN,
                [error = error.to_string()],
                "cannot notify the service manager at `NOTIFY_SOCKET`: {error}"
            );
        }
    }
}

/// Sends one message.
fn notify(message: &str) -> io::Result<()> {
    // `sd_notify` takes an abstract socket for a path.
    #[cfg(target_os = "linux")]
    if let Some(socket) = env::var_os("NOTIFY_SOCKET")
        && let Some(name) = socket.as_bytes().strip_prefix(b"@")
    {
        let sender = UnixDatagram::unbound()?;
        sender.connect_addr(&SocketAddr::from_abstract_name(name)?)?;
        return sender.send(message.as_bytes()).map(drop);
    }
    sd_notify::notify(&[NotifyState::Custom(message)])
}
