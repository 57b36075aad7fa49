//! Connections that a request has made the application's own, in a drain.

use std::io;
use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use axum::routing::any;
use hyper::upgrade::Upgraded;
use hyper_util::rt::{TokioExecutor, TokioIo};
use management_axum::{Availability, Drained, Management, run};
use support::{Lines, PATIENCE};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::run::{Kept, SECOND, accepts, built, refused};

#[allow(dead_code, unreachable_pub, reason = "the test takes the place of its `main`")]
#[path = "../../examples/websocket.rs"]
mod websocket;

async fn serving(
    management: &Management,
    app: Router,
) -> (SocketAddr, JoinHandle<io::Result<Drained>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let running = tokio::spawn(run(management, listener, app));
    accepts(management).await;
    (address, running)
}

/// A client of RFC 6455, with a mask of zeros, and short messages.
struct Socket(Kept);

impl Socket {
    async fn open(address: SocketAddr, path: &str) -> Self {
        let mut kept = Kept::open(address).await;
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        kept.0.write_all(request.as_bytes()).await.unwrap();
        let answer = kept.answer("\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
        Socket(kept)
    }

    async fn send(&mut self, kind: u8, message: &[u8]) {
        let head = [0x80 | kind, 0x80 | u8::try_from(message.len()).unwrap(), 0, 0, 0, 0];
        self.0.0.write_all(&[&head, message].concat()).await.unwrap();
    }

    async fn receive(&mut self) -> (u8, Vec<u8>) {
        let mut head = [0; 2];
        timeout(PATIENCE, self.0.0.read_exact(&mut head)).await.unwrap().unwrap();
        let mut message = vec![0; head[1].into()];
        timeout(PATIENCE, self.0.0.read_exact(&mut message)).await.unwrap().unwrap();
        (head[0], message)
    }
}

const TEXT: u8 = 1;
const CLOSE: u8 = 8;

#[tokio::test]
async fn the_example_says_goodbye() {
    let lines = Lines::default();
    let _guard = lines.capture();
    let management = built(|builder| builder.drain_timeout(3600 * SECOND));
    let (address, running) = serving(&management, websocket::app(&management)).await;
    let mut socket = Socket::open(address, "/echo").await;
    socket.send(TEXT, b"hello").await;
    assert_eq!(socket.receive().await, (0x80 | TEXT, b"hello".to_vec()));
    management.availability().stop("the test");
    let (kind, farewell) = socket.receive().await;
    assert_eq!((kind, &*farewell), (0x80 | CLOSE, &b"\x03\xe9the service stops"[..]));
    refused(address).await;
    // The handshake of closing has not ended.
    assert!(!running.is_finished());
    socket.send(CLOSE, &farewell[..2]).await;
    let drained = timeout(PATIENCE, running).await.unwrap().unwrap().unwrap();
    assert_eq!(drained.cut, 0);
    let told = lines.take().pop().unwrap();
    assert!(told.starts_with("INFO drained in "), "{told}");
}

/// Hands each connection that is upgraded to `talk`.
fn upgrading<F>(management: &Management, talk: fn(TokioIo<Upgraded>, Availability) -> F) -> Router
where
    F: Future<Output = ()> + Send + 'static,
{
    let handler = async move |State(availability): State<Availability>, request: Request| {
        let is_connect = request.method() == Method::CONNECT;
        tokio::spawn(async move {
            let upgraded = hyper::upgrade::on(request).await.unwrap();
            talk(TokioIo::new(upgraded), availability).await;
        });
        let answer = Response::builder();
        let answer = if is_connect {
            answer.status(StatusCode::OK)
        } else {
            let switching = answer.status(StatusCode::SWITCHING_PROTOCOLS);
            switching.header("connection", "upgrade").header("upgrade", "test")
        };
        answer.body(Body::empty()).unwrap()
    };
    Router::new().route("/", any(handler)).with_state(management.availability().clone())
}

async fn upgraded(address: SocketAddr) -> TcpStream {
    let mut kept = Kept::open(address).await;
    let request = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: test\r\n\r\n";
    kept.0.write_all(request).await.unwrap();
    kept.answer("\r\n\r\n").await;
    kept.0
}

/// Longer than a server waits for connections without a request.
const WORK: std::time::Duration = std::time::Duration::from_millis(1500);

async fn says_bye(mut io: TokioIo<Upgraded>, availability: Availability) {
    availability.stopping().await;
    sleep(WORK).await;
    io.write_all(b"bye").await.unwrap();
    io.shutdown().await.unwrap();
}

#[tokio::test]
async fn what_ends_itself_is_waited_for() {
    let management = built(|builder| builder.drain_timeout(PATIENCE));
    let (address, running) = serving(&management, upgrading(&management, says_bye)).await;
    let mut client = upgraded(address).await;
    management.availability().stop("the test");
    let mut said = String::new();
    timeout(PATIENCE, client.read_to_string(&mut said)).await.unwrap().unwrap();
    assert_eq!(said, "bye");
    let drained = timeout(PATIENCE, running).await.unwrap().unwrap().unwrap();
    assert_eq!(drained.cut, 0);
    assert!(drained.took >= WORK, "{drained:?}");
}

#[tokio::test]
async fn over_http2_what_ends_itself_is_waited_for() {
    let management = built(|builder| builder.drain_timeout(PATIENCE));
    let (address, running) = serving(&management, upgrading(&management, says_bye)).await;
    let stream = TcpStream::connect(address).await.unwrap();
    let handshake =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    let request = Request::connect(format!("http://{address}/"));
    let request = request.extension(hyper::ext::Protocol::from_static("test"));
    let request = request.body(Body::empty()).unwrap();
    let answer = timeout(PATIENCE, sender.send_request(request)).await.unwrap().unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let mut client = TokioIo::new(hyper::upgrade::on(answer).await.unwrap());
    management.availability().stop("the test");
    let mut said = String::new();
    timeout(PATIENCE, client.read_to_string(&mut said)).await.unwrap().unwrap();
    assert_eq!(said, "bye");
    drop(client);
    assert_eq!(timeout(PATIENCE, running).await.unwrap().unwrap().unwrap().cut, 0);
}

#[tokio::test]
async fn what_does_not_end_is_cut_and_counted() {
    let lines = Lines::default();
    let _guard = lines.capture();
    let timeout_of_drain = SECOND / 5;
    let management = built(|builder| builder.drain_timeout(timeout_of_drain));
    let (tell, mut told) = mpsc::unbounded_channel();
    let handler = async move |request: Request| {
        let tell = tell.clone();
        tokio::spawn(async move {
            let mut io = TokioIo::new(hyper::upgrade::on(request).await.unwrap());
            tell.send(io.read(&mut [0]).await.map_err(|error| error.kind())).unwrap();
        });
        let switching = Response::builder().status(StatusCode::SWITCHING_PROTOCOLS);
        let switching = switching.header("connection", "upgrade").header("upgrade", "test");
        switching.body(Body::empty()).unwrap()
    };
    let (address, running) = serving(&management, Router::new().route("/", any(handler))).await;
    let mut clients = [upgraded(address).await, upgraded(address).await];
    // One that has ended before is not counted.
    drop(upgraded(address).await);
    assert_eq!(timeout(PATIENCE, told.recv()).await.unwrap(), Some(Ok(0)));
    let begun = Instant::now();
    management.availability().stop("the test");
    let drained = timeout(PATIENCE, running).await.unwrap().unwrap().unwrap();
    assert_eq!(drained.cut, 2);
    assert!(begun.elapsed() >= timeout_of_drain);
    for client in &mut clients {
        assert_eq!(told.recv().await, Some(Err(io::ErrorKind::ConnectionAborted)));
        assert_eq!(timeout(PATIENCE, client.read(&mut [0])).await.unwrap().unwrap(), 0);
    }
    let last = lines.take().pop().unwrap();
    assert!(last.starts_with("WARN drained in "), "{last}");
    assert!(
        last.ends_with(": 2 connections were cut with requests in flight, or upgraded"),
        "{last}"
    );
}
