//! The whole life of a server.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use axum::serve::Listener;
use management_core::Management;
use tokio::time::{Instant, timeout};
use tower_layer::Layer;
use tower_service::Service;

use crate::drain::drain_layer;
use crate::listen::{listen, warn_of_no_endpoints};
use crate::server;
use crate::signals;

/// What servers that drain together may differ by.
const MOMENT: Duration = Duration::from_secs(1);

/// Serves the application for the whole of its life: ready once it accepts, drained on SIGTERM.
///
/// 1. Handlers of SIGTERM and SIGINT are installed when this is called, before the future is polled: a
///    signal that comes in between is not lost, nor one that comes to PID 1.
/// 2. Where [`Builder::listen`](crate::Builder::listen) says so, the endpoints get their listener. Where they have
///    none by then, and no [`router`](crate::router) has them either, the log warns that nobody can ask.
/// 3. The application's connections are accepted, which ends the start.
/// 4. The first signal begins the drain: readiness and `/health` are `OUT_OF_SERVICE` at once, liveness
///    stays `UP`, and requests are served as ever for [`Builder::drain_delay`](crate::Builder::drain_delay), while load
///    balancers learn of it. Meanwhile every HTTP/1 answer, the application's too, carries `Connection:
///    close`. SIGINT, which is Ctrl-C, has no delay.
/// 5. Then no connection is accepted any more, and what is in flight has
///    [`Builder::drain_timeout`](crate::Builder::drain_timeout) to end. What remains is cut, and counted in the log.
/// 6. The listener of the endpoints closes, once every server that is run under this `Management` has
///    drained, or cut. A server of your own counts, for as long, while it holds a [`Server`](crate::Server).
///
/// A second signal skips the delay. A third one ends the process, with 128 plus its number, also
/// after this has returned.
///
/// [`Availability::drain`](crate::Availability::drain) begins a drain without a signal. Several servers that are
/// run under one `Management` drain together. Where this future is dropped while it serves and no drain has
/// begun, the service is broken, and its liveness `DOWN` to whoever can still ask. Signals are the process's:
/// each `run` in it hears and counts them.
///
/// The listener is one of axum's, and so is the application: a `Router` or any other service. What it
/// serves is HTTP/1 and HTTP/2 with prior knowledge; `ConnectInfo` is there for extractors. Connections that
/// were upgraded, to web sockets for instance, are the application's own and are not waited for.
///
/// ```no_run
/// use axum::{Router, routing::get};
/// use management_axum::Management;
/// use tokio::net::TcpListener;
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let management = Management::new()?;
/// let app = Router::new()
///     .route("/", get(async || "hello"))
///     .merge(management_axum::router(&management));
/// let listener = TcpListener::bind("0.0.0.0:8080").await?;
/// management_axum::run(&management, listener, app).await?;
/// // What the application closes, such as a pool, is closed here.
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// It was called outside of a Tokio runtime, the system refuses handlers of signals, or the listener of the
/// endpoints cannot listen at its address.
pub fn run<L, S>(
    management: &Management,
    listener: L,
    app: S,
) -> impl Future<Output = io::Result<Drained>> + Send + use<L, S>
where
    L: Listener<Addr: Clone + Sync + 'static>,
    S: Service<Request, Response = Response, Error = Infallible, Future: Send>
        + Clone
        + Send
        + 'static,
{
    let management = management.clone();
    let handled = signals::handle(management.availability());
    management.availability().expect_server();
    async move {
        handled?;
        let endpoints = match management.take_listen() {
            Some(address) => match listen(&management, &*address).await {
                Ok(endpoints) => Some(endpoints),
                Err(error) => {
                    management.give_back_listen(address);
                    return Err(error);
                }
            },
            None => None,
        };
        warn_of_no_endpoints(&management);
        let availability = management.availability();
        let app = drain_layer(&management).layer(app);
        let grace = management.drain_timeout();
        let server = availability.server();
        let mut stopped = None;
        let stopping = async {
            availability.stopping().await;
            stopped = Some(Instant::now());
        };
        let cut = server::serve(listener, app, stopping, grace, None).await;
        drop(server);
        let took = stopped.map_or(Duration::ZERO, |stopped| stopped.elapsed());
        tell(cut, took, grace);
        if let Some(endpoints) = endpoints {
            // The others have as long; one that never ends keeps nobody.
            drop(timeout(grace + MOMENT, availability.served()).await);
            endpoints.close().await;
        }
        let reason = availability.drain_reason().unwrap_or_default();
        Ok(Drained { reason, cut, took })
    }
}

fn tell(cut: usize, took: Duration, grace: Duration) {
    let took = took.as_millis();
    let told = match cut {
        0 => {
            tracing::info!(target: "management", "drained in {took} ms: every request is answered");
            return;
        }
        1 => "1 connection was cut with a request in flight".to_owned(),
        _ => format!("{cut} connections were cut with requests in flight"),
    };
    tracing::warn!(target: "management", "{told}, after {grace:?}");
}

/// What happened to a server that [`run`] has drained.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Drained {
    /// What began the drain, such as `SIGTERM`.
    pub reason: String,
    /// How many connections still had requests in flight when [`Builder::drain_timeout`](crate::Builder::drain_timeout)
    /// was over, and were cut.
    pub cut: usize,
    /// How long it took from the end of the delay until the last request was answered or cut.
    pub took: Duration,
}
