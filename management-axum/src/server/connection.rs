//! One connection, from its first byte to its end.

use std::convert::Infallible;
use std::future::{pending, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::extract::connect_info::ConnectInfo;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::sleep;
use tower_service::Service;

use super::silence::Silence;

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

/// What a connection is told.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Phase {
    Serve,
    /// What is in flight is answered.
    Drain,
    /// Now.
    Cut,
}

/// How a connection has ended.
#[derive(PartialEq)]
pub(super) enum End {
    /// With nothing left to answer.
    Done,
    /// In the middle of a request.
    Cut,
}

pub(super) async fn connection<I, A, S>(
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
