//! `run` and its parts, in one process.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use management_axum::{
    AvailabilityState, Builder, Drained, Management, drain_layer, lifecycle, listen, run,
    shutdown_on,
};
use support::{Lines, fetch};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// A management whose drain waits for nothing by itself.
pub(crate) fn built(set: impl FnOnce(Builder) -> Builder) -> Management {
    set(Management::builder().drain_delay(Duration::ZERO)).build().unwrap()
}

/// An application with a request that ends when it is told to, and one that never does.
fn app(management: &Management, released: &Arc<Notify>) -> Router {
    let released = Arc::clone(released);
    let slow = async move || {
        released.notified().await;
        "done"
    };
    let endless = async || {
        let never = axum::body::Body::from_stream(Endless);
        Response::new(never)
    };
    let upgrade = async || {
        let switching = Response::builder().status(StatusCode::SWITCHING_PROTOCOLS);
        switching
            .header("connection", "upgrade")
            .header("upgrade", "test")
            .body(Body::empty())
            .unwrap()
    };
    Router::new()
        .route("/", get(async || "hello"))
        .route("/slow", get(slow))
        .route("/stuck", get(async || pending::<&str>().await))
        .route("/endless", get(endless))
        .route("/upgrade", get(upgrade))
        .route("/peer", get(async |ConnectInfo(peer): ConnectInfo<SocketAddr>| peer.to_string()))
        .merge(management_axum::router(management))
}

/// A body that begins and never ends.
struct Endless;

impl futures_core::Stream for Endless {
    type Item = io::Result<Bytes>;

    fn poll_next(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::task::Poll::Pending
    }
}

/// A service that is running.
pub(crate) struct Running {
    pub(crate) management: Management,
    address: SocketAddr,
    released: Arc<Notify>,
    pub(crate) ended: JoinHandle<io::Result<Drained>>,
}

pub(crate) async fn running(management: Management) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let released = Arc::new(Notify::new());
    let app = app(&management, &released);
    let ended = tokio::spawn(run(&management, listener, app));
    accepts(&management).await;
    Running { management, address, released, ended }
}

/// Waits until the service accepts requests.
pub(crate) async fn accepts(management: &Management) {
    let mut state = management.availability().subscribe();
    state.wait_for(|state| *state == AvailabilityState::Accepting).await.unwrap();
}

/// A connection that is kept.
pub(crate) struct Kept(pub(crate) TcpStream);

impl Kept {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        Kept(TcpStream::connect(address).await.unwrap())
    }

    pub(crate) async fn ask(&mut self, path: &str) {
        let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n");
        self.0.write_all(request.as_bytes()).await.unwrap();
    }

    /// Reads until `end`, which is the end of a body that is known.
    pub(crate) async fn answer(&mut self, end: &str) -> String {
        let mut read = Vec::new();
        while !read.ends_with(end.as_bytes()) {
            let mut buffer = [0; 1024];
            let count = self.0.read(&mut buffer).await.unwrap();
            assert_ne!(count, 0, "{:?} ends early", String::from_utf8_lossy(&read));
            read.extend(&buffer[..count]);
        }
        String::from_utf8(read).unwrap()
    }

    pub(crate) async fn is_closed(&mut self) -> bool {
        self.0.read(&mut [0; 1]).await.is_ok_and(|count| count == 0)
    }
}

fn closes(answer: &str) -> bool {
    answer.to_ascii_lowercase().contains("\r\nconnection: close\r\n")
}

/// Waits until nobody listens there any more.
pub(crate) async fn refused(address: SocketAddr) {
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn it_is_starting_until_it_accepts() {
    let management = built(|builder| builder);
    let availability = management.availability();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    assert_eq!(availability.state(), AvailabilityState::Accepting);
    let app = app(&management, &Arc::default());
    let running = run(&management, listener, app);
    assert_eq!(availability.state(), AvailabilityState::Starting);
    // The endpoints answer while the service itself does not run yet.
    let listening = listen(&management, "127.0.0.1:0").await.unwrap();
    let early = fetch(listening.local_addr(), "/z/health/readiness", "").await;
    assert_eq!(early.body, r#"{"status":"OUT_OF_SERVICE"}"#);
    let running = tokio::spawn(running);
    availability
        .subscribe()
        .wait_for(|state| *state == AvailabilityState::Accepting)
        .await
        .unwrap();
    assert_eq!(fetch(address, "/z/health/readiness", "").await.status, 200);
    availability.stop("the test");
    assert_eq!(running.await.unwrap().unwrap().reason, "the test");
    let late = fetch(listening.local_addr(), "/z/health/readiness", "").await;
    assert_eq!(late.body, r#"{"status":"OUT_OF_SERVICE"}"#);
    listening.close().await;
}

#[tokio::test]
async fn requests_are_served_through_the_delay_and_what_is_in_flight_is_answered() {
    let service = running(built(|builder| builder.drain_delay(3600 * SECOND))).await;
    let availability = service.management.availability();
    let (mut slow, mut kept) =
        (Kept::open(service.address).await, Kept::open(service.address).await);
    kept.ask("/").await;
    assert!(!closes(&kept.answer("hello").await));
    slow.ask("/slow").await;
    availability.drain("the test");
    // On a kept connection and on a new one, the application's answers and ours.
    kept.ask("/").await;
    assert!(closes(&kept.answer("hello").await));
    assert!(kept.is_closed().await);
    for (path, code) in
        [("/", 200), ("/nowhere", 404), ("/z/health/readiness", 503), ("/z/health/liveness", 200)]
    {
        let answer = fetch(service.address, path, "").await;
        assert_eq!(answer.status, code, "{path}");
        assert_eq!(answer.header("connection"), Some("close"), "{path}");
    }
    availability.stop("the end of the delay");
    refused(service.address).await;
    assert!(!service.ended.is_finished());
    service.released.notify_waiters();
    assert!(closes(&slow.answer("done").await));
    let drained = service.ended.await.unwrap().unwrap();
    assert_eq!((drained.cut, &*drained.reason), (0, "the test"));
}

#[tokio::test]
async fn what_never_ends_is_cut_and_counted() {
    for (timeout, paths) in [
        (Duration::ZERO, &["/stuck"][..]),
        (Duration::ZERO, &[]),
        (SECOND / 1000, &["/stuck"]),
        (SECOND / 5, &["/stuck", "/endless"]),
        (SECOND / 5, &[]),
    ] {
        let service = running(built(|builder| builder.drain_timeout(timeout))).await;
        let mut connections = Vec::new();
        for path in paths {
            let mut connection = Kept::open(service.address).await;
            connection.ask(path).await;
            connections.push(connection);
        }
        // Idle connections are no requests in flight.
        let mut idle = Vec::new();
        for _ in 0..100 {
            let mut kept = Kept::open(service.address).await;
            kept.ask("/").await;
            kept.answer("hello").await;
            idle.push(kept);
        }
        service.management.availability().stop("the test");
        let drained = service.ended.await.unwrap().unwrap();
        assert_eq!(drained.cut, paths.len(), "{paths:?}");
        assert!(paths.is_empty() || drained.took >= timeout, "{drained:?}");
        for mut kept in idle {
            assert!(kept.is_closed().await);
        }
    }
}

#[tokio::test]
async fn who_is_in_the_queue_is_served_before_the_door_closes() {
    let management = built(|builder| builder);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let running = run(&management, listener, app(&management, &Arc::default()));
    let mut queued = Vec::new();
    for _ in 0..20 {
        let mut connection = Kept::open(address).await;
        connection.ask("/").await;
        queued.push(connection);
    }
    management.availability().stop("the test");
    assert_eq!(running.await.unwrap().cut, 0);
    for mut connection in queued {
        assert!(closes(&connection.answer("hello").await));
    }
}

#[tokio::test]
async fn servers_drain_together_and_the_endpoints_close_last() {
    let probe = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoints = probe.local_addr().unwrap();
    drop(probe);
    let management = built(|builder| builder.listen(endpoints));
    let (one, other) = (running(management.clone()).await, running(management.clone()).await);
    let mut slow = Kept::open(other.address).await;
    slow.ask("/slow").await;
    assert_eq!(fetch(endpoints, "/z/health/readiness", "").await.status, 200);
    assert_eq!(fetch(endpoints, "/", "").await.status, 404);
    management.availability().stop("the test");
    refused(one.address).await;
    refused(other.address).await;
    // One has drained, the other has not, and the endpoints answer.
    let liveness = fetch(endpoints, "/z/health/liveness", "").await;
    assert_eq!((liveness.status.as_u16(), liveness.header("connection")), (200, Some("close")));
    assert_eq!(fetch(endpoints, "/z/health/readiness", "").await.status, 503);
    assert!(!one.ended.is_finished() || !other.ended.is_finished());
    other.released.notify_waiters();
    slow.answer("done").await;
    for ended in [one.ended, other.ended] {
        assert_eq!(ended.await.unwrap().unwrap().cut, 0);
    }
    refused(endpoints).await;
}

#[tokio::test]
async fn a_server_that_ends_outside_of_a_drain_is_broken() {
    let service = running(built(|builder| builder)).await;
    let listening = listen(&service.management, ("127.0.0.1", 0)).await.unwrap();
    service.ended.abort();
    assert!(service.ended.await.unwrap_err().is_cancelled());
    assert_eq!(service.management.availability().state(), AvailabilityState::Broken);
    let liveness = fetch(listening.local_addr(), "/z/health/liveness", "").await;
    assert_eq!((liveness.status.as_u16(), &*liveness.body), (503, r#"{"status":"DOWN"}"#));
}

/// Nor does a server of one's own that holds its guard for ever.
#[tokio::test]
async fn nobody_holds_the_endpoints_open_for_ever() {
    let management = built(|builder| builder.listen("127.0.0.1:0").drain_timeout(SECOND / 5));
    let _server = lifecycle::start_server(&management);
    let service = running(management).await;
    service.management.availability().stop("the test");
    assert_eq!(service.ended.await.unwrap().unwrap().cut, 0);
}

#[tokio::test]
async fn an_address_that_is_in_use_is_told() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let management = built(|builder| builder.listen(address));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let error = run(&management, listener, Router::new()).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    let told = error.to_string();
    assert!(told.contains(&format!("the endpoints cannot listen at \"{address}\"")), "{told}");
    assert!(told.contains("`MANAGEMENT_LISTEN`"), "{told}");
    // Once it is free, another try has it.
    drop(taken);
    let again = running(management).await;
    assert_eq!(fetch(address, "/z/health/readiness", "").await.status, 200);
    again.management.availability().stop("the test");
    again.ended.await.unwrap().unwrap();
}

#[test]
fn outside_of_a_runtime_is_told() {
    let management = built(|builder| builder);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let running = run(&management, listener, Router::new());
    let error = runtime.block_on(running).unwrap_err();
    assert!(error.to_string().contains("inside a Tokio runtime"), "{error}");
}

#[tokio::test]
async fn a_server_of_your_own_drains_with_the_parts() {
    let management = built(|builder| builder.drain_delay(3600 * SECOND));
    let released = Arc::new(Notify::new());
    let app = app(&management, &released).layer(drain_layer(&management));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (begin, begun) = oneshot::channel::<()>();
    let stopping = shutdown_on(&management, async { drop(begun.await) });
    let serving = axum::serve(listener, app).with_graceful_shutdown(stopping);
    let ended = tokio::spawn(serving.into_future());
    let mut state = management.availability().subscribe();
    assert_eq!(fetch(address, "/z/health/readiness", "").await.status, 200);
    let mut kept = Kept::open(address).await;
    kept.ask("/").await;
    assert!(!closes(&kept.answer("hello").await));
    begin.send(()).unwrap();
    state.wait_for(|state| *state == AvailabilityState::Refusing).await.unwrap();
    kept.ask("/").await;
    assert!(closes(&kept.answer("hello").await));
    // What is no answer to a request stays as it is.
    let mut upgraded = Kept::open(address).await;
    upgraded.ask("/upgrade").await;
    let answer = upgraded.answer("\r\n\r\n").await.to_ascii_lowercase();
    assert!(answer.contains("\r\nconnection: upgrade\r\n"), "{answer}");
    assert!(!ended.is_finished());
    management.availability().stop("the test");
    ended.await.unwrap().unwrap();
}

#[tokio::test]
async fn several_futures_are_one_drain() {
    let management = built(|builder| builder.drain_delay(3600 * SECOND));
    let (begin, begun) = oneshot::channel::<()>();
    let one = tokio::spawn(shutdown_on(&management, async { drop(begun.await) }));
    let other = tokio::spawn(shutdown_on(&management, pending()));
    begin.send(()).unwrap();
    let mut state = management.availability().subscribe();
    state.wait_for(|state| *state == AvailabilityState::Refusing).await.unwrap();
    assert!(!one.is_finished() && !other.is_finished());
    management.availability().stop("the test");
    one.await.unwrap();
    other.await.unwrap();
}

#[tokio::test]
async fn handlers_learn_who_asks() {
    let service = running(built(|builder| builder)).await;
    let body = fetch(service.address, "/peer", "").await.body;
    assert!(body.starts_with("127.0.0.1:"), "{body}");
    service.management.availability().stop("the test");
    service.ended.await.unwrap().unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn a_socket_of_the_file_system_is_served_too() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("socket");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let management = built(|builder| builder);
    let ended = tokio::spawn(run(&management, listener, app(&management, &Arc::default())));
    let mut client = tokio::net::UnixStream::connect(&path).await.unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("hello"), "{answer}");
    management.availability().stop("the test");
    ended.await.unwrap().unwrap();
}

#[tokio::test]
async fn what_is_in_flight_can_be_cut() {
    let lines = Lines::default();
    let _guard = lines.capture();
    let service = running(built(|builder| builder.drain_timeout(3600 * SECOND))).await;
    let mut stuck = Kept::open(service.address).await;
    stuck.ask("/stuck").await;
    assert_eq!(fetch(service.address, "/", "").await.status, 200);
    let availability = service.management.availability();
    availability.stop("the test");
    refused(service.address).await;
    assert!(!service.ended.is_finished());
    for _ in 0..2 {
        availability.cut("enough");
    }
    assert_eq!(service.ended.await.unwrap().unwrap().cut, 1);
    assert!(stuck.is_closed().await);
    availability.cutting().await;
    let told = lines.take();
    let cut: Vec<_> = told.iter().filter(|line| line.contains("cut")).collect();
    assert_eq!(cut.len(), 2, "{told:?}");
    assert_eq!(cut[0], "INFO servers cut what is in flight: enough");
    assert!(
        cut[1].ends_with(": 1 connection was cut with a request in flight, or upgraded"),
        "{told:?}"
    );
}
