//! The whole life of a server.

use std::convert::Infallible;
use std::io;
use std::mem;
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use axum::serve::Listener;
use management_core::{Availability, Management};
use tokio::time::{Instant, sleep, timeout};
use tower_layer::Layer;
use tower_service::Service;

use crate::drain::drain_layer;
use crate::listen::{Listening, listen, warn_of_no_endpoints};
use crate::server::{self, Ended, Limits, NextRequest};
use crate::signals;

/// What servers that drain together may differ by.
const MOMENT: Duration = Duration::from_secs(1);

/// What axum's own server will have, too. Load balancers keep idle connections for minutes and lose a
/// request where the server closes one first, so that there is no limit between requests.
const LIMITS: Limits = Limits {
    first_request: Duration::from_secs(30),
    next_request: NextRequest::Head(Duration::from_secs(30)),
    connections: None,
};

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
/// A second signal skips the delay. Where there is none, or where it is over, the second signal cuts what is in
/// flight; without a delay, the log line of the first one says so. A third one ends the process, with 128 plus its number, also after this has returned.
/// Signals are the process's: each `run` in it hears and counts them.
///
/// [`Availability::drain`](crate::Availability::drain) begins a drain without a signal, and
/// [`Availability::cut`](crate::Availability::cut) ends one.
///
/// The listener is one of axum's, and so is the application: a `Router` or any other service. What it
/// serves is HTTP/1 and HTTP/2 with prior knowledge; `ConnectInfo` is there for extractors.
///
/// # Connections
///
/// - **Slow clients**: the head of a request may take 30 s. For the first request of a connection that is
///   from its begin, so that a client that sends nothing is disconnected, too. For a later one of HTTP/1 it
///   is from its first byte: there is no limit between requests. A connection of HTTP/2 that has had
///   a request is asked with PING frames whether its client is there.
/// - **Clients that have closed their sending side** after a request, as `nc -N` does, are answered. One that
///   is gone looks the same. So such a client waits for at most 10 s for each part of the answer; then the
///   connection is closed and the handler dropped. A client that resets its connection is noticed at once.
/// - **In the drain** a head that has begun has another second. Connections without a request are closed, and
///   are not counted.
/// - **Upgraded connections**, such as a WebSocket, are the application's own. They are waited for in the drain
///   as requests in flight are, and end themselves when
///   [`Availability::stopping`](crate::Availability::stopping) is ready. Those that have not ended after
///   [`Builder::drain_timeout`](crate::Builder::drain_timeout) are cut and counted: reading from them and writing to
///   them fails. The example `websocket` says goodbye in time.
///
/// # Dropping it, and calling it again
///
/// | The future is dropped | What follows |
/// |---|---|
/// | before it serves, polled or not | The service stays *starting*. The address of [`Builder::listen`](crate::Builder::listen) is left to the next `run`. |
/// | while it serves | Its listener and its connections are closed at once. The service is broken, and its liveness `DOWN`, which the listener of the endpoints goes on telling. |
/// | in the drain | Its listener and its connections are closed at once, and nobody counts them. The service stays `OUT_OF_SERVICE`, as the listener of the endpoints goes on telling. |
///
/// The handlers of signals stay installed in each case: the system does not end the process at SIGTERM any
/// more, but a third signal does.
///
/// Several servers that are run under one `Management` at the same time drain together. The first one that is
/// polled opens the listener of the endpoints. Where one is dropped, the service is broken, whatever the others do.
///
/// It can be called again. Where one was dropped, the next one mends what that has broken. Where
/// one has returned after a drain, the next one under the same `Management` answers what has been sent to its
/// listener already and returns with the same reason: a drain has no way back. Under another
/// `Management` it serves as the first one did.
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
    let handled = signals::handle(management.availability(), true);
    management.availability().expect_server();
    async move {
        handled?;
        let endpoints = match Address::take(&management) {
            Some(address) => Some(address.listen().await?),
            None => None,
        };
        warn_of_no_endpoints(&management);
        let availability = management.availability();
        let app = drain_layer(&management).layer(app);
        let grace = management.drain_timeout();
        let server = availability.server();
        let begun = Instant::now();
        let mut delay = Duration::ZERO;
        let stopping = async {
            availability.stopping().await;
            // What was over before this came does not count.
            delay = availability.drain_time().unwrap_or_default().min(begun.elapsed());
        };
        let cutting = availability.cutting();
        let Ended { cut, took } =
            server::serve(listener, app, stopping, cutting, grace, LIMITS).await;
        drop(server);
        let reason = availability.drain_reason().unwrap_or_default();
        let drained = Drained { reason, cut, delay, took };
        drained.tell();
        if let Some(endpoints) = endpoints {
            // The others have as long; one that never ends keeps nobody.
            let others = timeout(grace + MOMENT, availability.served());
            tokio::select! {
                _ = others => {}
                () = cut_at_last(availability) => {}
            }
            endpoints.close().await;
        }
        Ok(drained)
    }
}

/// Ready when servers have been told to cut what is in flight, and had the time to do so.
async fn cut_at_last(availability: &Availability) {
    availability.cutting().await;
    sleep(MOMENT).await;
}

/// Where the endpoints are to listen. It is given back unless they do.
struct Address<'a> {
    management: &'a Management,
    address: String,
    is_listening: bool,
}

impl<'a> Address<'a> {
    fn take(management: &'a Management) -> Option<Self> {
        let address = management.take_listen()?;
        Some(Address { management, address, is_listening: false })
    }

    async fn listen(mut self) -> io::Result<Listening> {
        let listening = listen(self.management, &*self.address).await?;
        self.is_listening = true;
        Ok(listening)
    }
}

impl Drop for Address<'_> {
    fn drop(&mut self) {
        if !self.is_listening {
            self.management.give_back_listen(mem::take(&mut self.address));
        }
    }
}

/// What happened to a server that [`run`] has drained.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Drained {
    /// What began the drain, such as `SIGTERM`.
    pub reason: String,
    /// How many connections still had requests in flight, or were upgraded and open, when
    /// [`Builder::drain_timeout`](crate::Builder::drain_timeout) was over, and were cut.
    pub cut: usize,
    /// For how long requests were served as ever after the drain had begun:
    /// [`Builder::drain_delay`](crate::Builder::drain_delay), or less where a second signal came.
    pub delay: Duration,
    /// How long it took from the end of the delay until the last request was answered or cut; zero if none
    /// was in flight.
    pub took: Duration,
}

impl Drained {
    fn tell(&self) {
        let Drained { cut, delay, took, .. } = self;
        let total = (*delay + *took).as_millis();
        let delay = match delay.as_millis() {
            0 => String::new(),
            delay => format!(", {delay} ms of it the delay"),
        };
        let told = match cut {
            0 => {
                tracing::info!(target: "management", "drained in {total} ms{delay}: every request is answered");
                return;
            }
            1 => "1 connection was cut with a request in flight, or upgraded".to_owned(),
            _ => format!("{cut} connections were cut with requests in flight, or upgraded"),
        };
        tracing::warn!(target: "management", "drained in {total} ms{delay}: {told}");
    }
}
