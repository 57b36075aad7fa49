//! The service manager that has started the process, if one has.

use std::io;

#[cfg(all(feature = "systemd", unix))]
use crate::lifecycle::{notifier, thread};
use crate::management::Management;

/// Notifies systemd of the service from now on, with the feature `systemd` and if `NOTIFY_SOCKET` is set. Otherwise, and
/// if it was called before, this does nothing.
///
/// | Message | When |
/// |---|---|
/// | `READY=1` | the service is *accepting* for the first time |
/// | `STOPPING=1` | a drain begins |
/// | `STATUS=…` | the worst component changes, such as `db DOWN`; without its reason, which every user of the machine could read |
/// | `WATCHDOG=1` | every half of `WATCHDOG_USEC`, unless liveness is `DOWN` |
///
/// `run` and `listen` of `management-axum` call this. With `axum::serve` alone, nothing is sent.
///
/// The messages are sent from the thread of the endpoints, which this starts.
///
/// # Errors
///
/// Fails if the thread cannot be started.
pub fn notify_service_manager(management: &Management) -> io::Result<()> {
    #[cfg(all(feature = "systemd", unix))]
    if notifier::is_present() {
        let thread = thread::start_thread(management)?;
        let slot = management.thread();
        let is_new = slot.as_ref().is_some_and(|thread| {
            !thread.notifies.swap(true, std::sync::atomic::Ordering::Relaxed)
        });
        drop(slot);
        if is_new {
            notifier::start(&thread);
        }
    }
    #[cfg(not(all(feature = "systemd", unix)))]
    let _ = management;
    Ok(())
}
