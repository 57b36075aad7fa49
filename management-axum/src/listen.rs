//! The endpoints on a port of their own.

use std::fmt;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use management_core::Management;
use management_core::endpoint::Endpoint;
use tokio::net::{TcpListener, ToSocketAddrs};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tower_layer::Layer;

use crate::drain::drain_layer;
use crate::router;
use crate::server::{self, Limits};

/// Slow and silent clients do not keep probers out.
const LIMITS: Limits = Limits {
    first_request: Duration::from_secs(10),
    next_request: Duration::from_secs(60),
    connections: 256,
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
/// longest. Who sends no request within 10 s, or none for 60 s after the last one, is disconnected.
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
/// # Errors
///
/// The address cannot be listened at, for instance because it is in use; the error names it.
pub async fn serve<A>(management: &Management, address: A) -> io::Result<Listening>
where
    A: ToSocketAddrs + fmt::Debug,
{
    let listening = listen(management, address).await?;
    management.availability().confirm();
    Ok(listening)
}

/// As [`serve`], without a word about the service itself.
pub(crate) async fn listen<A>(management: &Management, address: A) -> io::Result<Listening>
where
    A: ToSocketAddrs + fmt::Debug,
{
    let refused = |error: io::Error| {
        let remedy = match error.kind() {
            io::ErrorKind::AddrInUse => {
                "; give `.listen(…)`, `MANAGEMENT_LISTEN` or `serve` an address that is free, or port 0 for any"
            }
            _ => "",
        };
        let told = format!("no management listener at {address:?}: {error}{remedy}");
        io::Error::new(error.kind(), told)
    };
    let listener = TcpListener::bind(&address).await.map_err(refused)?;
    let address = listener.local_addr()?;
    if let Some((path, _)) = Endpoint::new(management).paths().next() {
        tracing::info!(target: "management", "the endpoints listen at http://{address}{path}");
    }
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
        server::serve(listener, app, closed, GRACE, Some(LIMITS)).await;
    });
    Ok(Listening { address, close, task })
}

/// A management listener, from [`serve`].
///
/// Dropping this leaves it open, for as long as the runtime lives.
#[derive(Debug)]
pub struct Listening {
    address: SocketAddr,
    close: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Listening {
    /// Where it listens; a port 0 has become one that was free.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Closes it, and waits until it is closed. Requests in flight have a second to be answered.
    pub async fn close(self) {
        // Either it is there and hears it, or it has gone already.
        let _ = self.close.send(());
        let _ = self.task.await;
    }
}
