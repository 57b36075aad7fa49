//! The endpoints on a port of their own.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
#[cfg(unix)]
use std::path::PathBuf;
use std::time::Duration;

use axum::Router;
use axum::serve::Listener;
use management_core::Management;
use management_core::endpoint::Endpoint;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tower_layer::Layer;

use crate::address::ListenAddress;
use crate::bind;
use crate::drain::drain_layer;
use crate::router;
use crate::server::{self, Limits, NextRequest};
#[cfg(unix)]
use crate::unix::unix;

/// Slow and silent clients do not keep probers out. A prober that asks once a minute keeps its connection.
const LIMITS: Limits = Limits {
    first_request: Duration::from_secs(10),
    next_request: NextRequest::Within(Duration::from_secs(90)),
    connections: Some(256),
};

/// What a probe in flight may take when the listener closes.
const GRACE: Duration = Duration::from_secs(1);

/// Serves the endpoints, and nothing else, on a port of their own: HTTP/1.0, HTTP/1.1, and HTTP/2 with
/// prior knowledge.
///
/// Where [`run`](crate::run) serves the application, [`Builder::listen`](crate::Builder::listen) does the same with less.
/// This is for endpoints that are to answer before the application does, and for a process that has no
/// other server.
///
/// The service accepts as soon as this does, unless [`Builder::starting`](crate::Builder::starting) has said that it is
/// starting: then it does from [`run`](crate::run) on, or when
/// [`Availability::accepting`](crate::Availability::accepting) is called. Say so where the endpoints come first, since
/// they tell nothing of the application's own port.
///
/// It does not look at what [`Builder::listen`](crate::Builder::listen) and `MANAGEMENT_LISTEN` say; a process without
/// [`run`](crate::run) that is to obey them gives it [`Management::take_listen`].
///
/// At most 256 clients are connected: one more takes the place of the one that has been silent the
/// longest. Who sends no request within 10 s, or none for 90 s after the last one, is disconnected. A client
/// that closes its sending side after its request, as `nc -N` does, is answered.
///
/// ```
/// use management_axum::Management;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let management = Management::new()?;
/// let listening = management_axum::serve(&management, "127.0.0.1:0").await?;
/// println!("http://{}/z/health", listening.local_addr());
/// listening.close().await;
/// # Ok(())
/// # }
/// ```
///
/// A name such as `"localhost:8081"` stands for all of its addresses, IPv4 and IPv6, and so does a slice of
/// addresses for each of them; with port 0 they get one port. An address that this machine does not have, as
/// where IPv6 is off, is left out, which the log tells, as long as there is another. One that is in use is an
/// error.
///
/// `"unix:/run/app/management.sock"`, with an absolute path, is a Unix socket. Only the user of this process
/// can connect to it (permissions 0600), from the moment at which it is there, whatever the umask. The file
/// of a socket that nobody listens at is replaced; one at which another process listens, and one that is no
/// socket, is an error. The file is removed when the listener closes. It stays where the process ends without
/// that, and is replaced at the next start.
///
/// ```sh
/// curl --unix-socket /run/app/management.sock http://localhost/z/health
/// ```
///
/// # Errors
///
/// The address cannot be listened at, for instance because it is in use; the error names it.
pub async fn serve<A: ListenAddress>(management: &Management, address: A) -> io::Result<Listening> {
    let listening = listen(management, address).await?;
    management.availability().confirm();
    Ok(listening)
}

/// As [`serve`], without a word about the service itself.
pub(crate) async fn listen<A: ListenAddress>(
    management: &Management,
    address: A,
) -> io::Result<Listening> {
    let refused = |error: io::Error| {
        let remedy = match (error.kind(), address.unix_path()) {
            (io::ErrorKind::AddrInUse, None) => {
                "; give `.listen(…)`, `MANAGEMENT_LISTEN` or `serve` an address that is free, or port 0 for any"
            }
            (io::ErrorKind::AddrInUse | io::ErrorKind::AlreadyExists, Some(_)) => {
                "; give `.listen(…)`, `MANAGEMENT_LISTEN` or `serve` a path of its own"
            }
            (io::ErrorKind::NotFound, Some(_)) => "; make its folder first",
            _ => "",
        };
        let told = format!("no management listener at {address:?}: {error}{remedy}");
        io::Error::new(error.kind(), told)
    };
    if let Some(path) = address.unix_path() {
        return listen_at_path(management, path).await.map_err(refused);
    }
    let listener = bind::tcp(&address).await.map_err(refused)?;
    let addresses = listener.addresses()?;
    if let Some((path, _)) = Endpoint::new(management).paths().next() {
        for address in &addresses {
            tracing::info!(target: "management", "the endpoints listen at http://{address}{path}");
        }
    }
    Ok(listening(management, listener, Place::Addresses(addresses)))
}

#[cfg(unix)]
async fn listen_at_path(management: &Management, path: &Path) -> io::Result<Listening> {
    let listener = unix(path).await?;
    let socket = listener.path().to_owned();
    if let Some((path, _)) = Endpoint::new(management).paths().next() {
        let socket = socket.display();
        tracing::info!(target: "management", "the endpoints listen at unix:{socket}, under {path}");
    }
    Ok(listening(management, listener, Place::Path(socket)))
}

#[cfg(not(unix))]
async fn listen_at_path(_: &Management, _: &Path) -> io::Result<Listening> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "there are no Unix sockets here"))
}

fn listening<L>(management: &Management, listener: L, place: Place) -> Listening
where
    L: Listener<Addr: Clone + Sync + 'static>,
{
    let app: Router = router(management);
    let app = drain_layer(management).layer(app);
    let (close, closed) = oneshot::channel();
    let closed = async {
        // A handle that was dropped wants the listener to stay.
        if closed.await.is_err() {
            pending::<()>().await;
        }
    };
    let task = tokio::spawn(async move {
        // Probes that are cut have a client that asks again.
        server::serve(listener, app, closed, pending(), GRACE, LIMITS).await;
    });
    Listening { place, close, task }
}

/// Tells where nothing and nobody can ask.
pub(crate) fn warn_of_no_endpoints(management: &Management) {
    let is_wanted = Endpoint::new(management).paths().next().is_some();
    if is_wanted && !management.has_endpoint() {
        tracing::warn!(
            target: "management",
            "the endpoints are not reachable: merge `management_axum::router(&management)` into the application, \
             or give them a port of their own with `.listen(…)` or `MANAGEMENT_LISTEN`",
        );
    }
}

/// A management listener, from [`serve`].
///
/// Dropping this leaves it open, for as long as the runtime lives.
#[derive(Debug)]
pub struct Listening {
    place: Place,
    close: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
enum Place {
    Addresses(Vec<SocketAddr>),
    #[cfg(unix)]
    Path(PathBuf),
}

impl Listening {
    /// Where it listens; a port 0 has become one that was free. Where it listens at several addresses, this
    /// is the first of [`local_addrs`](Self::local_addrs).
    ///
    /// A Unix socket has no such address: for one, this is `0.0.0.0:0`, at which nothing can listen, and
    /// [`path`](Self::path) says where it is.
    pub fn local_addr(&self) -> SocketAddr {
        let none = SocketAddr::from(([0, 0, 0, 0], 0));
        self.local_addrs().first().copied().unwrap_or(none)
    }

    /// Every address that it listens at: more than one where it was given a name that has more, and none
    /// where it listens at a Unix socket.
    pub fn local_addrs(&self) -> &[SocketAddr] {
        match &self.place {
            Place::Addresses(addresses) => addresses,
            #[cfg(unix)]
            Place::Path(_) => &[],
        }
    }

    /// The path of the Unix socket that it listens at, if it does.
    pub fn path(&self) -> Option<&Path> {
        match &self.place {
            Place::Addresses(_) => None,
            #[cfg(unix)]
            Place::Path(path) => Some(path),
        }
    }

    /// Closes it, and waits until it is closed. Requests in flight have a second to be answered. The file of
    /// a Unix socket is removed.
    pub async fn close(self) {
        // Either it is there and hears it, or it has gone already.
        let _ = self.close.send(());
        let _ = self.task.await;
    }
}
