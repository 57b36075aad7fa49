//! The whole life of a server.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use axum::serve::Listener;
use management_core::lifecycle::{self, Signals};
use management_core::{Availability, Management};
use tokio::time::{Instant, sleep, timeout};
use tower_layer::Layer;
use tower_service::Service;

use crate::drain::drain_layer;
use crate::listen::{self, Listening, warn_of_no_endpoints};
use crate::server::{self, Ended, Limits, NextRequest};
use crate::signals;

/// How much the drains of several servers may differ in time.
const DRAIN_SPREAD: Duration = Duration::from_secs(1);

/// There is no limit between requests: load balancers keep idle connections for minutes, and lose a request if the
/// server closes such a connection first.
const LIMITS: Limits = Limits {
    first_request: Duration::from_secs(30),
    next_request: NextRequest::Head(Duration::from_secs(30)),
    connections: None,
};

/// Serves the application for its whole life: ready once it accepts connections, drained on SIGTERM.
///
/// 1. Calling this installs handlers of SIGTERM and SIGINT, before the future is polled: no signal in between is
///    lost, and PID 1 handles them, too.
/// 2. If [`Builder::listen`](crate::Builder::listen) is set, the endpoints get a listener of their own. If nothing serves
///    the endpoints, neither that listener nor a [`router`](crate::router), a warning is logged.
/// 3. The application accepts connections, which ends the start.
/// 4. The first signal begins the drain. Readiness and `/health` become `OUT_OF_SERVICE` at once, liveness does not
///    change. Requests are served for [`Builder::drain_delay`](crate::Builder::drain_delay), so that load balancers can
///    stop sending them. Every HTTP/1 answer, the application's too, carries `Connection: close`. SIGINT, which
///    Ctrl-C sends, has no delay.
/// 5. Then no more connections are accepted. Requests in flight have
///    [`Builder::drain_timeout`](crate::Builder::drain_timeout) to end. What remains is cut, and the log counts it.
/// 6. The listener of the endpoints closes when every server under this `Management` has drained or was cut. That
///    includes a server of your own that holds a [`lifecycle::Server`], for at most
///    [`Builder::drain_timeout`](crate::Builder::drain_timeout) and a second.
///
/// A second signal ends the delay. If there is no delay left, it cuts the requests in flight; without a delay, the
/// log line of the first signal announces that. A third signal ends the process with the code 128 plus the number of
/// the signal, also after this has returned. Signals belong to the process: each `run` in it receives and counts
/// them.
///
/// [`Availability::drain`](crate::Availability::drain) begins a drain without a signal, and
/// [`Availability::cut`](crate::Availability::cut) ends one.
///
/// The listener is one of axum's. The application is a `Router` or any other service. It is served over HTTP/1, and
/// over HTTP/2 with prior knowledge. `ConnectInfo` is available to extractors.
///
/// # Connections
///
/// - **Slow clients**: the head of a request may take 30 s. For the first request, that time starts with the
///   connection, so that a client that sends nothing is disconnected. For later requests of HTTP/1, it starts with the
///   first byte: there is no limit between requests. An HTTP/2 connection that has had a request is checked with PING
///   frames instead.
/// - **Clients that have closed their sending side** after a request, as `nc -N` does, are answered. A client that is
///   gone looks the same, so each part of the answer may wait for at most 10 s until the client takes it. Then the connection is
///   closed and the handler is dropped. A connection that the client resets is closed at once.
/// - **During the drain**, the head of a request that has begun has one more second. Connections without a request
///   are closed and not counted.
/// - **Upgraded connections**, such as a WebSocket, belong to the application. The drain waits for them as for requests
///   in flight. They should end when [`Availability::stopping`](crate::Availability::stopping) is ready. After
///   [`Builder::drain_timeout`](crate::Builder::drain_timeout), the remaining ones are cut and counted: reads and writes
///   fail. The example `websocket` shows how to close them in time.
///
/// # Dropping the future, and calling this again
///
/// | The future is dropped | Effect |
/// |---|---|
/// | before it serves, polled or not | The service stays *starting*. The next `run` gets the address of [`Builder::listen`](crate::Builder::listen). |
/// | while it serves | Its listener and its connections are closed at once. The service is *broken* and its liveness `DOWN`. The listener of the endpoints stays open. |
/// | during the drain | Its listener and its connections are closed at once and not counted. The service stays `OUT_OF_SERVICE`. The listener of the endpoints stays open. |
///
/// The signal handlers stay installed in each case: the system no longer ends the process at SIGTERM, but a third
/// signal does.
///
/// Several servers that run under one `Management` at the same time drain together. The first one that is polled opens
/// the listener of the endpoints. If one is dropped, the service is *broken*, whatever the others do.
///
/// This can be called again. After a `run` was dropped, the next one makes the service *accepting* again. After a `run`
/// has drained, the next one under the same `Management` only answers what its listener has already received, and
/// returns with the same reason: a drain cannot be undone. Under another `Management`, it serves as the first one did.
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
/// Fails if it is called outside a Tokio runtime, if the system refuses to install the signal handlers, or if the
/// endpoints cannot listen at their address.
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
    let handled = signals::handle(Signals::new(&management).can_cut());
    lifecycle::expect_server(&management);
    async move {
        handled?;
        let endpoints = open_listener(&management).await?;
        lifecycle::notify_service_manager(&management)?;
        warn_of_no_endpoints(&management);
        let availability = management.availability();
        let app = drain_layer(&management).layer(app);
        let grace = availability.drain_timeout();
        let server = lifecycle::start_server(&management);
        let begun = Instant::now();
        let mut delay = Duration::ZERO;
        let stopping = async {
            availability.stopping().await;
            // Only the part of the delay during which this server ran.
            delay = availability.drain_elapsed().unwrap_or_default().min(begun.elapsed());
        };
        let cutting = availability.cutting();
        let Ended { cut, took } =
            server::serve(listener, app, stopping, cutting, grace, LIMITS).await;
        drop(server);
        let reason = availability.drain_reason().unwrap_or_default();
        let drained = Drained { reason, cut, delay, took };
        drained.log();
        if let Some(endpoints) = endpoints {
            // The other servers have as long. One that never ends does not prevent the end of this one.
            let others = timeout(grace + DRAIN_SPREAD, lifecycle::servers_ended(&management));
            tokio::select! {
                _ = others => {}
                () = cut_at_last(availability) => {}
            }
            endpoints.close().await;
        }
        Ok(drained)
    }
}

/// Ready when servers cut requests in flight, and have had the time to do so.
async fn cut_at_last(availability: &Availability) {
    availability.cutting().await;
    sleep(DRAIN_SPREAD).await;
}

/// Opens the listener of the endpoints, unless there is none or another server has opened it.
async fn open_listener(management: &Management) -> io::Result<Option<Listening>> {
    let Some(address) = lifecycle::take_listen_address(management) else { return Ok(None) };
    let listening = listen::open(management, address.as_str()).await?;
    address.keep();
    Ok(Some(listening))
}

/// The result of a drain, returned by [`run`]. `Display` is one line, as it is logged.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Drained {
    /// What began the drain, such as `SIGTERM`.
    pub reason: String,
    /// The number of connections that were cut: those that still had requests in flight, or were upgraded and open,
    /// after [`Builder::drain_timeout`](crate::Builder::drain_timeout).
    pub cut: usize,
    /// How long requests were served after the drain had begun: [`Builder::drain_delay`](crate::Builder::drain_delay), or
    /// less if a second signal came.
    pub delay: Duration,
    /// How long it took from the end of the delay until the last request was answered or cut. Zero if no request was in
    /// flight.
    pub took: Duration,
}

impl Drained {
    fn log(&self) {
        let Drained { reason, cut, .. } = self;
        let took_ms = u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX);
        let delay_ms = u64::try_from(self.delay.as_millis()).unwrap_or(u64::MAX);
        if *cut == 0 {
            tracing::info!(target: "management", reason, cut, took_ms, delay_ms, "{self}");
        } else {
            tracing::warn!(target: "management", reason, cut, took_ms, delay_ms, "{self}");
        }
    }
}

impl fmt::Display for Drained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Drained { cut, delay, took, .. } = self;
        write!(f, "drained in {} ms", (*delay + *took).as_millis())?;
        if delay.as_millis() > 0 {
            write!(f, ", {} ms of it the delay", delay.as_millis())?;
        }
        match cut {
            0 => f.write_str(": every request is answered"),
            1 => f.write_str(": 1 connection was cut with a request in flight, or upgraded"),
            _ => write!(f, ": {cut} connections were cut with requests in flight, or upgraded"),
        }
    }
}
