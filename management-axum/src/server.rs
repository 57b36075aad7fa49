//! Accepts connections and serves them, until it is told to stop.

use std::convert::Infallible;
use std::future::{pending, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::extract::connect_info::ConnectInfo;
use axum::response::Response;
use axum::serve::Listener;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tower_service::Service;

/// What answers the requests of all connections.
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

/// What a connection may take for itself.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// For how long it may be there before its first request.
    pub(crate) first_request: Duration,
    /// For how long it may be there after each request, before the next one.
    pub(crate) next_request: Duration,
    /// How many there are at most. One more takes the place of the one that has been silent the longest.
    pub(crate) connections: usize,
}

/// For how long a server that stops waits for what has been sent to it already: the runtime may not have
/// looked yet, or it is on its way. Who is silent meanwhile is disconnected.
const MOMENT: Duration = Duration::from_millis(50);

/// Serves until `stopping` is ready, and then for at most `grace` what is in flight. Returns how many
/// connections were cut.
pub(crate) async fn serve<L, S>(
    mut listener: L,
    service: S,
    stopping: impl Future<Output = ()>,
    grace: Duration,
    limits: Option<Limits>,
) -> usize
where
    L: Listener,
    L::Addr: Clone + Sync + 'static,
    S: Answers,
{
    let (stop, phase) = watch::channel(Phase::Serve);
    // Most of the grace is for what is in flight, however little it is.
    let moment = MOMENT.min(grace / 4);
    let mut connections = Connections {
        tasks: JoinSet::new(),
        cut: Arc::default(),
        silence: Vec::new(),
        limits,
        moment,
        phase,
    };
    // Who is in the queue of the system believes to be connected.
    let mut stopping = pin!(async {
        stopping.await;
        sleep(moment).await;
    });
    while let Some((io, peer)) =
        accept(&mut listener, stopping.as_mut(), &mut connections.tasks).await
    {
        connections.add(io, peer, service.clone());
    }
    drop(listener);
    let Connections { mut tasks, cut, .. } = connections;
    stop.send_replace(Phase::Drain);
    if is_over(&mut tasks, grace.saturating_sub(moment)).await {
        return 0;
    }
    stop.send_replace(Phase::Cut);
    // Those that do not look at it any more are those whose service blocks.
    is_over(&mut tasks, MOMENT).await;
    cut.load(Ordering::Relaxed) + tasks.len()
}

/// What a connection is told.
#[derive(Clone, Copy, PartialEq)]
enum Phase {
    Serve,
    /// What is in flight is answered.
    Drain,
    /// Now.
    Cut,
}

/// Whether all end in time.
async fn is_over(tasks: &mut JoinSet<()>, grace: Duration) -> bool {
    timeout(grace, async { while tasks.join_next().await.is_some() {} }).await.is_ok()
}

/// The next connection, or nothing when the server stops.
async fn accept<L: Listener>(
    listener: &mut L,
    mut stopping: Pin<&mut impl Future<Output = ()>>,
    tasks: &mut JoinSet<()>,
) -> Option<(L::Io, L::Addr)> {
    // One future until it is ready: it may be in the middle of a handshake, or of a pause after an error.
    let mut accepting = pin!(listener.accept());
    loop {
        tokio::select! {
            biased;
            () = stopping.as_mut() => return None,
            accepted = accepting.as_mut() => return Some(accepted),
            Some(_) = tasks.join_next() => {}
        }
    }
}

struct Connections {
    /// Ended when this is dropped.
    tasks: JoinSet<()>,
    /// Those that are counted, where there are limits.
    silence: Vec<(Arc<Silence>, AbortHandle)>,
    limits: Option<Limits>,
    /// How long each waits for what has been sent already, when the server stops.
    moment: Duration,
    phase: watch::Receiver<Phase>,
    /// How many were cut with a request in flight.
    cut: Arc<AtomicUsize>,
}

impl Connections {
    fn add<I, A, S>(&mut self, io: I, peer: A, service: S)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        A: Clone + Send + Sync + 'static,
        S: Answers,
    {
        let silence = self.limits.map(|limits| {
            self.make_room(limits.connections);
            Arc::new(Silence::new(limits))
        });
        let (phase, moment, cut) = (self.phase.clone(), self.moment, Arc::clone(&self.cut));
        let connection = connection(io, peer, service, phase, moment, silence.clone());
        let task = self.tasks.spawn(async move {
            if connection.await == End::Cut {
                cut.fetch_add(1, Ordering::Relaxed);
            }
        });
        self.silence.extend(silence.map(|silence| (silence, task)));
    }

    fn make_room(&mut self, most: usize) {
        if self.silence.len() < most {
            return;
        }
        self.silence.retain(|(_, task)| !task.is_finished());
        if self.silence.len() >= most {
            let since = |(_, (silence, _)): &(usize, &(Arc<Silence>, AbortHandle))| silence.since();
            let longest = self.silence.iter().enumerate().min_by_key(since).map(|(at, _)| at);
            if let Some(at) = longest {
                self.silence.swap_remove(at).1.abort();
            }
        }
    }
}

/// Since when a connection has had no request.
struct Silence {
    limits: Limits,
    heard: Mutex<Heard>,
}

#[derive(Clone, Copy)]
struct Heard {
    at: Instant,
    has_request: bool,
}

impl Silence {
    fn new(limits: Limits) -> Self {
        let heard = Heard { at: Instant::now(), has_request: false };
        Silence { limits, heard: Mutex::new(heard) }
    }

    fn heard(&self) -> Heard {
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn since(&self) -> Instant {
        self.heard().at
    }

    fn ends(&self) -> Instant {
        let Heard { at, has_request } = self.heard();
        at + if has_request { self.limits.next_request } else { self.limits.first_request }
    }

    fn is_broken(&self) {
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) =
            Heard { at: Instant::now(), has_request: true };
    }

    /// Ready when it has lasted for too long.
    async fn too_long(&self) {
        loop {
            let ends = self.ends();
            if ends <= Instant::now() {
                return;
            }
            sleep_until(ends).await;
        }
    }
}

/// How a connection has ended.
#[derive(PartialEq)]
enum End {
    /// With nothing left to answer.
    Done,
    /// In the middle of a request.
    Cut,
}

async fn connection<I, A, S>(
    io: I,
    peer: A,
    service: S,
    mut phase: watch::Receiver<Phase>,
    moment: Duration,
    silence: Option<Arc<Silence>>,
) -> End
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: Clone + Send + Sync + 'static,
    S: Answers,
{
    let heard = silence.clone();
    // The service has one, and so has each request that waits for its answer.
    let waiting = Arc::new(());
    let is_idle = {
        let waiting = Arc::downgrade(&waiting);
        move || waiting.strong_count() <= 1
    };
    let service = service_fn(move |request: Request<Incoming>| {
        if let Some(silence) = &heard {
            silence.is_broken();
        }
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer.clone()));
        let mut service = service.clone();
        let waiting = Arc::clone(&waiting);
        async move {
            let _waiting = waiting;
            poll_fn(|cx| service.poll_ready(cx)).await?;
            service.call(request).await
        }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // WebSockets over HTTP/2 need it.
    builder.http2().enable_connect_protocol();
    if silence.is_some() {
        modest(&mut builder);
    }
    let mut connection = pin!(builder.serve_connection_with_upgrades(TokioIo::new(io), service));
    let mut too_long = pin!(async {
        match &silence {
            Some(silence) => silence.too_long().await,
            None => pending().await,
        }
    });
    tokio::select! {
        // First of all what has been sent already: it is answered, whatever else is due.
        biased;
        // A client that hangs up or talks nonsense harms itself alone.
        _ = connection.as_mut() => return End::Done,
        _ = phase.changed() => {}
        () = &mut too_long => return End::Done,
    }
    let mut moment = pin!(sleep(moment));
    let ended = poll_fn(|cx| match connection.as_mut().poll(cx) {
        Poll::Ready(_) => Poll::Ready(true),
        Poll::Pending if is_idle() => moment.as_mut().poll(cx).map(|()| false),
        // An answer yet to come can say that it is the last one.
        Poll::Pending => Poll::Ready(false),
    });
    tokio::select! {
        ended = ended => if ended { return End::Done },
        _ = phase.wait_for(|phase| *phase == Phase::Cut) => {}
    }
    connection.as_mut().graceful_shutdown();
    tokio::select! {
        biased;
        // One that is idle ends with this, even now.
        _ = connection.as_mut() => End::Done,
        _ = phase.wait_for(|phase| *phase == Phase::Cut) => End::Cut,
        () = &mut too_long => End::Done,
    }
}

/// What a client of small questions needs, so that all that are let in together take little memory.
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

#[cfg(test)]
mod tests;
