//! The endpoints on a port of their own.

use std::future::{pending, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::path::Path;
#[cfg(unix)]
use std::path::PathBuf;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::serve::Listener;
use management_core::Management;
use management_core::endpoint::Endpoint;
use management_core::lifecycle::{self, ManagementThread};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tower_layer::Layer;

use crate::address::ListenAddress;
use crate::bind;
use crate::drain::drain_layer;
use crate::guarded::Guarded;
use crate::router::routes;
use crate::server::{self, Limits, NextRequest};
#[cfg(unix)]
use crate::unix::unix;

/// Slow and silent clients do not lock probers out. A prober that asks once a minute keeps its connection.
const LIMITS: Limits = Limits {
    first_request: Duration::from_secs(10),
    next_request: NextRequest::Within(Duration::from_secs(90)),
    connections: Some(256),
};

/// How long a probe in flight may take when the listener closes.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Serves only the endpoints, on a port of their own: HTTP/1.0, HTTP/1.1, and HTTP/2 with prior knowledge.
///
/// The endpoints are served by a thread of their own, named `management`, with a runtime of its own. They answer while
/// every thread of the application's runtime is busy or blocked, from the last results of checks while those are valid;
/// see [the guide](crate::guide::liveness). The thread ends when the last [`Management`] and the returned
/// [`Listening`] are dropped.
///
/// If [`run`](crate::run) serves the application, [`Builder::listen`](crate::Builder::listen) does the same with less
/// code. Call this for endpoints that have to answer before the application does, and in a process that has no other
/// server.
///
/// The service is *accepting* as soon as this listens. With [`Builder::starting`](crate::Builder::starting), it stays
/// *starting* until [`run`](crate::run) accepts connections, or until
/// [`Availability::accepting`](crate::Availability::accepting) is called. Call `.starting()` if the endpoints listen
/// before the application does: this does not know about the application's own port.
///
/// This does not use the address of [`Builder::listen`](crate::Builder::listen) and `MANAGEMENT_LISTEN`. A process without
/// [`run`](crate::run) gets that address from [`take_listen_address`](crate::lifecycle::take_listen_address).
///
/// At most 256 clients are connected. One more replaces the client that has been silent the longest. A client is
/// disconnected if it sends no request within 10 s, or none within 90 s after its last one. A client that closes its
/// sending side after its request, as `nc -N` does, is answered.
///
/// ```
/// use management_axum::Management;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let management = Management::new()?;
/// let listening = management_axum::listen(&management, "127.0.0.1:0").await?;
/// println!("http://{}/z/health", listening.local_addr());
/// listening.close().await;
/// # Ok(())
/// # }
/// ```
///
/// A name such as `"localhost:8081"` means all of its addresses, IPv4 and IPv6, and a slice of addresses means each of
/// them. With port 0, all of them get the same free port. An address that this machine does not have, for instance
/// because IPv6 is off, is skipped and logged, unless it is the only one. An address in use is an error.
///
/// `"unix:/run/app/management.sock"`, with an absolute path, is a Unix socket. Only the user of this process can
/// connect to it: its permissions are 0600 from the start, whatever the umask. This replaces the file of a socket on
/// which nobody listens. A socket of another process and a file that is not a socket are errors. Closing the listener
/// removes the file. If the process ends without that, the next start replaces the file.
///
/// ```sh
/// curl --unix-socket /run/app/management.sock http://localhost/z/health
/// ```
///
/// # Errors
///
/// Fails if it cannot listen at the address, for instance because the address is in use. The error names the address.
pub async fn listen<A: ListenAddress>(
    management: &Management,
    address: A,
) -> io::Result<Listening> {
    let listening = open(management, address).await?;
    lifecycle::confirm_accepting(management);
    lifecycle::notify_service_manager(management)?;
    Ok(listening)
}

/// Like [`listen`], without a change of the availability.
pub(crate) async fn open<A: ListenAddress>(
    management: &Management,
    address: A,
) -> io::Result<Listening> {
    let refused = |error: io::Error| {
        let remedy = match (error.kind(), address.unix_path()) {
            (io::ErrorKind::AddrInUse, None) => {
                "; choose a free address for `listen` or `MANAGEMENT_LISTEN`, or port 0 for any free port"
            }
            (io::ErrorKind::AddrInUse | io::ErrorKind::AlreadyExists, Some(_)) => {
                "; choose another path for `listen` or `MANAGEMENT_LISTEN`"
            }
            (io::ErrorKind::NotFound, Some(_)) => "; create its folder first",
            _ => "",
        };
        let message = format!("the endpoints cannot listen at {address:?}: {error}{remedy}");
        io::Error::new(error.kind(), message)
    };
    let thread = lifecycle::start_thread(management)?;
    if let Some(path) = address.unix_path() {
        return open_at_path(management, &thread, path).await.map_err(refused);
    }
    let listener = within(thread.runtime(), bind::tcp(&address)).await.map_err(refused)?;
    let addresses = listener.addresses()?;
    if let Some((path, _)) = Endpoint::new(management).paths().next() {
        for address in &addresses {
            let text = address.to_string();
            tracing::info!(
                target: "management",
                address = text,
                "the endpoints listen at http://{address}{path}"
            );
        }
    }
    Ok(start(management, &thread, listener, Place::Addresses(addresses)))
}

/// Awaits a future in the context of a runtime, to which its sockets then belong.
async fn within<F: Future>(runtime: &Handle, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|cx| {
        let _context = runtime.enter();
        future.as_mut().poll(cx)
    })
    .await
}

#[cfg(unix)]
async fn open_at_path(
    management: &Management,
    thread: &ManagementThread,
    path: &Path,
) -> io::Result<Listening> {
    let listener = within(thread.runtime(), unix(path)).await?;
    let socket = listener.path().to_owned();
    if let Some((path, _)) = Endpoint::new(management).paths().next() {
        let socket = socket.display();
        let address = format!("unix:{socket}");
        tracing::info!(
            target: "management",
            address,
            "the endpoints listen at {address}, under {path}"
        );
    }
    Ok(start(management, thread, listener, Place::Path(socket)))
}

#[cfg(not(unix))]
async fn open_at_path(_: &Management, _: &ManagementThread, _: &Path) -> io::Result<Listening> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this platform has no Unix sockets"))
}

fn start<L>(
    management: &Management,
    thread: &ManagementThread,
    listener: L,
    place: Place,
) -> Listening
where
    L: Listener<Addr: Clone + Sync + 'static>,
{
    let app: Router = routes(Endpoint::on_management_port(thread.management()));
    let app = Guarded::new(drain_layer(management).layer(app), thread);
    let (close, closed) = oneshot::channel();
    let closed = async {
        // A dropped handle leaves the listener open.
        if closed.await.is_err() {
            pending::<()>().await;
        }
    };
    let task = thread.spawn(async move {
        // The number of cut connections is of no interest: a prober asks again.
        server::serve(listener, app, closed, pending(), CLOSE_TIMEOUT, LIMITS).await;
    });
    Listening { place, close, task, _management: management.clone() }
}

/// Warns if no server has the endpoints.
pub(crate) fn warn_of_no_endpoints(management: &Management) {
    let has_paths = Endpoint::new(management).paths().next().is_some();
    if has_paths && !lifecycle::has_endpoint(management) {
        tracing::warn!(
            target: "management",
            endpoints = 0,
            "the endpoints are not reachable: merge `management_axum::router(&management)` into the application, \
             or set a port of their own with `.listen(…)` or `MANAGEMENT_LISTEN`",
        );
    }
}

/// A listener of the endpoints, returned by [`listen`].
///
/// Dropping this leaves the listener open for as long as a [`Management`] exists. The port is free a few milliseconds after
/// the last one is dropped; [`close`](Self::close) waits until it is.
#[derive(Debug)]
pub struct Listening {
    place: Place,
    close: oneshot::Sender<()>,
    task: JoinHandle<()>,
    /// Keeps the thread alive.
    _management: Management,
}

#[derive(Debug)]
enum Place {
    Addresses(Vec<SocketAddr>),
    #[cfg(unix)]
    Path(PathBuf),
}

impl Listening {
    /// The address at which it listens. Port 0 is replaced by the actual port. If there are several addresses, this is
    /// the first of [`local_addrs`](Self::local_addrs).
    ///
    /// A Unix socket has no such address. Then this is `0.0.0.0:0`, and [`path`](Self::path) returns the path.
    pub fn local_addr(&self) -> SocketAddr {
        let none = SocketAddr::from(([0, 0, 0, 0], 0));
        self.local_addrs().first().copied().unwrap_or(none)
    }

    /// All addresses at which it listens: several if a name has several, none for a Unix socket.
    pub fn local_addrs(&self) -> &[SocketAddr] {
        match &self.place {
            Place::Addresses(addresses) => addresses,
            #[cfg(unix)]
            Place::Path(_) => &[],
        }
    }

    /// The path of the Unix socket, if it listens at one.
    pub fn path(&self) -> Option<&Path> {
        match &self.place {
            Place::Addresses(_) => None,
            #[cfg(unix)]
            Place::Path(path) => Some(path),
        }
    }

    /// Closes the listener and waits until it is closed. Requests in flight have a second to be answered. The file of
    /// a Unix socket is removed.
    pub async fn close(self) {
        // Both fail only if the task has ended already.
        let _ = self.close.send(());
        let _ = self.task.await;
    }
}
