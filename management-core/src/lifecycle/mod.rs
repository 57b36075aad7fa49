//! How to support another server: what an adapter needs beside [`endpoint`](crate::endpoint).
//!
//! An adapter connects a server to a [`Management`]: it answers requests through
//! [`endpoint`](crate::endpoint), reports when the server accepts requests, and shuts it down. `management-axum`
//! is the adapter for axum. The example `hyper` is a service without a web framework.
//!
//! An adapter that runs a server does the following, in this order:
//!
//! | When | What | Call |
//! |---|---|---|
//! | before the server is bound | report that the service is starting | [`expect_server`] |
//! | | handle SIGTERM and SIGINT | [`Signals`] |
//! | | mount the endpoints, and answer requests to them | [`Endpoint::paths`], [`Endpoint::respond`] |
//! | | serve the endpoints at the address of [`Builder::listen`], if there is one, on a thread of their own | [`take_listen_address`], [`ListenGuard::keep`], [`start_thread`] |
//! | | warn if no server has the endpoints | [`has_endpoint`] |
//! | | notify systemd, if it has started the process | [`notify_service_manager`] |
//! | the server accepts connections | report that the service accepts requests | [`start_server`] |
//! | [`Availability::is_draining`] | add `Connection: close` to each answer of HTTP/1 | |
//! | [`Availability::stopping`] is ready | stop accepting connections, and wait for requests in flight | |
//! | [`Availability::drain_timeout`] later, or [`Availability::cutting`] is ready | cut the remaining connections | |
//! | the last connection is closed | report that the server has ended | drop the [`Server`] |
//! | [`servers_ended`] is ready | close the listener of the endpoints | |
//!
//! Several servers may run under one [`Management`]. They drain together.
//!
//! ```
//! use management_core::{Management, lifecycle};
//!
//! # async fn serve_until(stopping: impl Future<Output = ()>) { stopping.await }
//! async fn run(management: &Management) {
//!     let server = lifecycle::start_server(management);
//!     serve_until(management.availability().stopping()).await;
//!     drop(server);
//! }
//! ```
//!
//! [`Availability::cutting`]: crate::Availability::cutting
//! [`Availability::drain_timeout`]: crate::Availability::drain_timeout
//! [`Availability::is_draining`]: crate::Availability::is_draining
//! [`Availability::stopping`]: crate::Availability::stopping
//! [`Builder::listen`]: crate::Builder::listen
//! [`Endpoint::paths`]: crate::endpoint::Endpoint::paths
//! [`Endpoint::respond`]: crate::endpoint::Endpoint::respond

#[cfg(all(feature = "systemd", unix))]
mod notifier;
mod service_manager;
mod signals;
mod thread;
mod watchdog;

use std::sync::atomic::Ordering;

pub use service_manager::notify_service_manager;
pub use signals::{Signal, Signals};
pub use thread::{ManagementThread, start_thread};

use crate::line::line;
use crate::management::Management;
use crate::report::availability::Availability;

/// Reports that the service has a server that does not accept requests yet.
///
/// The service is *starting* until [`start_server`] is called. If the application has set its availability, or
/// another server accepts requests, this has no effect on its state.
///
/// If the runtime of the checks is not known yet, it is the current one from now on; see
/// [`Builder::runtime`](crate::Builder::runtime).
pub fn expect_server(management: &Management) {
    management.runtimes().adopt_current();
    management.availability().expect_server();
}

/// Makes a service that is *accepting* by default stay so: a later [`expect_server`] has no effect.
///
/// This is for a server that accepts requests and is not the application's, such as a listener of the endpoints
/// in a process that serves nothing else.
pub fn confirm_accepting(management: &Management) {
    management.availability().confirm_accepting();
}

/// Reports that a server accepts requests from now on, which ends the start.
pub fn start_server(management: &Management) -> Server {
    let availability = management.availability().clone();
    availability.add_server();
    let ports = &management.inner().endpoints_on_management_port;
    if management.shows_details_on_management_port() && ports.load(Ordering::Relaxed) == 0 {
        line!(
            WARN,
            [setting = "show_details"],
            "`show_details` is `management-port`, but the endpoints have no port of their own, so nobody is shown \
             details: set one with `.listen(…)` or `MANAGEMENT_LISTEN`",
        );
    }
    Server { availability }
}

/// Returns a future that is ready when every [`Server`] of this management has been dropped.
pub fn servers_ended(management: &Management) -> impl Future<Output = ()> + Send + use<> {
    management.availability().servers_ended()
}

/// A server that accepts requests, returned by [`start_server`].
///
/// Drop it when the server has ended. If no drain has begun by then, the server has failed: the service is
/// *broken* until another server starts.
#[derive(Debug)]
#[must_use = "the service is broken once the server is dropped"]
pub struct Server {
    availability: Availability,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.availability.remove_server();
    }
}

/// Whether an [`Endpoint`](crate::endpoint::Endpoint) of this management exists, for instance in a router.
pub fn has_endpoint(management: &Management) -> bool {
    management.inner().endpoints.load(Ordering::Relaxed) > 0
}

/// The address at which the endpoints should have a listener of their own, as
/// [`Builder::listen`](crate::Builder::listen) sets it, until a listener [takes](take_listen_address) it.
pub fn listen_address(management: &Management) -> Option<String> {
    management.listen_address().clone()
}

/// Takes the address at which the endpoints should have a listener of their own, so that one of several servers
/// opens it.
///
/// ```
/// use management_core::{Management, lifecycle};
///
/// # async fn open_listener(_: &str) -> std::io::Result<()> { Ok(()) }
/// async fn listen(management: &Management) -> std::io::Result<()> {
///     if let Some(address) = lifecycle::take_listen_address(management) {
///         open_listener(address.as_str()).await?; // gives the address back if it fails or is dropped
///         address.keep();
///     }
///     Ok(())
/// }
/// ```
pub fn take_listen_address(management: &Management) -> Option<ListenGuard> {
    let address = management.listen_address().take()?;
    Some(ListenGuard { management: management.clone(), address: Some(address) })
}

/// An address to listen at, returned by [`take_listen_address`].
///
/// Dropping it gives the address back, so that the next server can take it. Once the listener is open,
/// [`keep`](Self::keep) prevents that.
#[derive(Debug)]
#[must_use = "the address is given back when this is dropped"]
pub struct ListenGuard {
    management: Management,
    /// `None` once it is kept.
    address: Option<String>,
}

impl ListenGuard {
    /// The address, as [`Builder::listen`](crate::Builder::listen) describes it.
    pub fn as_str(&self) -> &str {
        self.address.as_deref().unwrap_or_default()
    }

    /// Does not give the address back: a listener is open there.
    pub fn keep(mut self) {
        self.address = None;
    }
}

impl Drop for ListenGuard {
    fn drop(&mut self) {
        if let Some(address) = self.address.take() {
            *self.management.listen_address() = Some(address);
        }
    }
}
