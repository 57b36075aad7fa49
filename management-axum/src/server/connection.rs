//! One connection, from its beginning to its end.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::extract::connect_info::ConnectInfo;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use hyper::body::{Body as _, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::{Instant, Sleep, sleep};
use tower_service::Service;

use super::activity::{Activity, Answer};
use super::idle::{Limits, NextRequest};
use super::watched::Watched;

/// How long a server that stops waits for the rest of a head.
const LAST_HEAD_TIMEOUT: Duration = Duration::from_secs(1);

/// The service that answers the requests of all connections.
pub(crate) trait Answers:
    Service<Request, Response = Response, Error = Infallible, Future: Send> + Clone + Send + 'static
{
}

impl<S> Answers for S where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send>
        + Clone
        + Send
        + 'static
{
}

/// What a connection does.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Phase {
    Serve,
    /// Answers requests in flight, and closes.
    Drain,
    /// Closes at once.
    Cut,
}

/// How a connection has ended.
#[derive(PartialEq)]
pub(super) enum End {
    /// Every request was answered.
    Done,
    /// A request was in flight, or the connection was upgraded.
    Cut,
}

/// What a connection needs beside its socket.
pub(super) struct Surroundings {
    pub(super) activity: Arc<Activity>,
    pub(super) phase: watch::Receiver<Phase>,
    /// How long it waits for requests that are already on their way when the server stops.
    pub(super) last_request_timeout: Duration,
    pub(super) limits: Limits,
}

pub(super) async fn connection<I, A, S>(
    io: I,
    peer: A,
    service: S,
    mut surroundings: Surroundings,
) -> End
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: Clone + Send + Sync + 'static,
    S: Answers,
{
    let activity = Arc::clone(&surroundings.activity);
    // Also when this future is dropped, the application can no longer use the connection.
    let _cut = CutOnDrop(&activity);
    let end = requests(io, peer, service, &mut surroundings).await;
    if end == End::Cut || !activity.is_upgraded() {
        return end;
    }
    tokio::select! {
        biased;
        () = activity.closed() => {
            activity.ledger.request_answered();
            End::Done
        }
        _ = surroundings.phase.wait_for(|phase| *phase == Phase::Cut) => End::Cut,
    }
}

struct CutOnDrop<'a>(&'a Activity);

impl Drop for CutOnDrop<'_> {
    fn drop(&mut self) {
        self.0.cut();
    }
}

/// The part of a connection that is HTTP.
async fn requests<I, A, S>(io: I, peer: A, service: S, surroundings: &mut Surroundings) -> End
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: Clone + Send + Sync + 'static,
    S: Answers,
{
    let Surroundings { activity, phase, last_request_timeout, limits } = surroundings;
    let begins = Arc::clone(activity);
    let service = service_fn(move |request: Request<Incoming>| {
        let open = begins.begin(request.version(), !request.body().is_end_stream());
        let is_connect = request.method() == Method::CONNECT;
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer.clone()));
        let mut service = service.clone();
        async move {
            poll_fn(|cx| service.poll_ready(cx)).await?;
            let response = service.call(request).await?;
            let status = response.status();
            if status == StatusCode::SWITCHING_PROTOCOLS || is_connect && status.is_success() {
                open.upgrades();
            }
            Ok::<_, Infallible>(response.map(|body| Answer::new(body, open)))
        }
    });
    let builder = builder(limits);
    let io = TokioIo::new(Watched::new(io, Arc::clone(activity)));
    let served = pin!(builder.serve_connection_with_upgrades(io, service));
    let limit = pin!(sleep(limits.first_request));
    let mut served = Served { connection: served, limit, activity };
    tokio::select! {
        // Requests that have arrived are answered first.
        biased;
        // An error of the connection concerns its client only.
        () = poll_fn(|cx| served.poll(cx)) => return End::Done,
        _ = phase.changed() => {}
    }
    let mut last_request_timeout = pin!(sleep(*last_request_timeout));
    let ended = poll_fn(|cx| match served.poll(cx) {
        Poll::Ready(()) => Poll::Ready(true),
        Poll::Pending if !activity.has_request() => {
            last_request_timeout.as_mut().poll(cx).map(|()| false)
        }
        // The answer is still to come, and can carry `Connection: close`.
        Poll::Pending => Poll::Ready(false),
    });
    tokio::select! {
        ended = ended => if ended { return End::Done },
        _ = phase.wait_for(|phase| *phase == Phase::Cut) => {}
    }
    served.connection.as_mut().graceful_shutdown();
    let mut quiet = pin!(sleep(LAST_HEAD_TIMEOUT));
    let mut asks_nothing_by = None;
    let ended = poll_fn(|cx| {
        let had_request = activity.has_request();
        if served.poll(cx).is_ready() {
            if had_request {
                activity.ledger.request_answered();
            }
            return Poll::Ready(());
        }
        if activity.has_request() {
            asks_nothing_by = None;
            return Poll::Pending;
        }
        let by = *asks_nothing_by.get_or_insert_with(|| Instant::now() + LAST_HEAD_TIMEOUT);
        poll_at(quiet.as_mut(), by, cx)
    });
    tokio::select! {
        biased;
        // An idle connection ends here, even if it is to be cut.
        () = ended => End::Done,
        _ = phase.wait_for(|phase| *phase == Phase::Cut) => {
            if activity.has_request() { End::Cut } else { End::Done }
        }
    }
}

/// A connection that ends by itself, or when it has been silent for too long.
struct Served<'a, C> {
    connection: Pin<&'a mut C>,
    limit: Pin<&'a mut Sleep>,
    activity: &'a Activity,
}

impl<C: Future> Served<'_, C> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.connection.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        match self.activity.idle.deadline(self.activity.has_request()) {
            Some(at) => poll_at(self.limit.as_mut(), at, cx),
            None => Poll::Pending,
        }
    }
}

/// Ready at `at`, which may differ in each call.
fn poll_at(mut sleep: Pin<&mut Sleep>, at: Instant, cx: &mut Context<'_>) -> Poll<()> {
    loop {
        // A timer that is too early is set again when it fires: most times move before they are reached.
        if sleep.deadline() > at {
            sleep.as_mut().reset(at);
        }
        ready!(sleep.as_mut().poll(cx));
        if at <= Instant::now() {
            return Poll::Ready(());
        }
        sleep.as_mut().reset(at);
    }
}

fn builder(limits: &Limits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // A client that has closed its sending side is answered, too.
    builder.http1().half_close(true);
    // For WebSockets over HTTP/2.
    builder.http2().enable_connect_protocol();
    if let NextRequest::Head(most) = limits.next_request {
        // A client in the middle of a head cannot answer a PING. All others can, and may be silent without a limit.
        let wait = most / 3;
        let mut http2 = builder.http2();
        http2.timer(TokioTimer::new()).keep_alive_interval(most - wait).keep_alive_timeout(wait);
    }
    if limits.connections.is_some() {
        modest(&mut builder);
    }
    builder
}

/// Limits that are enough for probes, so that all connections together need little memory.
fn modest(builder: &mut auto::Builder<TokioExecutor>) {
    const KIB: u32 = 1024;
    builder.http1().max_buf_size(16 * KIB as usize);
    builder
        .http2()
        .max_concurrent_streams(16)
        .max_header_list_size(8 * KIB)
        .initial_stream_window_size(64 * KIB)
        .initial_connection_window_size(64 * KIB)
        .max_send_buf_size(16 * KIB as usize);
}
