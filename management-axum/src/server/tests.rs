use std::future::pending;
use std::io::{self, Write};

use axum::Router;
use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, advance};

use super::*;

mod application;
mod half_closed;

const LIMITS: Limits = Limits {
    first_request: Duration::from_secs(10),
    next_request: NextRequest::Within(Duration::from_secs(90)),
    connections: Some(3),
};

/// As `run` has them.
const APPLICATION: Limits = Limits {
    first_request: Duration::from_secs(30),
    next_request: NextRequest::Head(Duration::from_secs(30)),
    connections: None,
};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";

/// Longer than anything takes that does not hang.
const PATIENCE: Duration = Duration::from_secs(120);

/// Longer than the runtime needs for what is ready; far less than the limits.
const TURN: Duration = Duration::from_millis(1);

fn app() -> Router {
    Router::new().route("/", get(async || "hello"))
}

/// A listener whose connections a test hands in.
struct Doors(mpsc::UnboundedReceiver<DuplexStream>);

impl Listener for Doors {
    type Io = DuplexStream;
    type Addr = ();

    async fn accept(&mut self) -> (DuplexStream, ()) {
        match self.0.recv().await {
            Some(stream) => (stream, ()),
            None => pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<()> {
        Ok(())
    }
}

/// A server with limits. Its clock stands still but for what waits.
struct Limited {
    doors: mpsc::UnboundedSender<DuplexStream>,
}

/// The same, which can be told to stop.
struct Stoppable {
    server: Limited,
    stop: oneshot::Sender<()>,
    served: JoinHandle<Ended>,
}

impl Stoppable {
    fn start(app: Router, limits: Limits) -> Self {
        let (doors, accepted) = mpsc::unbounded_channel();
        let (stop, stopped) = oneshot::channel();
        let stopping = async { stopped.await.unwrap() };
        let serving = serve(Doors(accepted), app, stopping, pending(), PATIENCE, limits);
        Stoppable { server: Limited { doors }, stop, served: tokio::spawn(serving) }
    }

    /// How it ends, and after how many seconds.
    async fn stop(self) -> (Ended, u64) {
        self.stop.send(()).unwrap();
        let stopped = Instant::now();
        let ended = timeout(2 * PATIENCE, self.served).await.unwrap().unwrap();
        (ended, stopped.elapsed().as_secs())
    }
}

impl Limited {
    fn start() -> Self {
        let (doors, accepted) = mpsc::unbounded_channel();
        tokio::spawn(serve(Doors(accepted), app(), pending(), pending(), PATIENCE, LIMITS));
        Limited { doors }
    }

    async fn connect(&self) -> Client {
        // Less than an answer, so that the server waits for who does not read.
        self.connect_through(16).await
    }

    /// A connection that holds this many bytes that nobody has read.
    async fn connect_through(&self, capacity: usize) -> Client {
        let (client, server) = duplex(capacity);
        self.doors.send(server).unwrap();
        // Whoever connects next is later.
        sleep(TURN).await;
        Client { stream: client, since: Instant::now() }
    }
}

/// Sends a request and reads its answer.
async fn ask(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) {
    stream.write_all(REQUEST).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\nhello") {
        answer.push(timeout(PATIENCE, stream.read_u8()).await.unwrap().unwrap());
    }
    assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"));
}

struct Client {
    stream: DuplexStream,
    since: Instant,
}

impl Client {
    async fn ask(&mut self) {
        ask(&mut self.stream).await;
        self.since = Instant::now();
    }

    /// How long the server bore its silence, to the second.
    async fn borne(mut self) -> u64 {
        let mut rest = Vec::new();
        timeout(PATIENCE, self.stream.read_to_end(&mut rest)).await.unwrap().unwrap();
        assert_eq!(rest, b"");
        self.since.elapsed().as_secs_f64().round() as u64
    }

    async fn is_open(&mut self) -> bool {
        timeout(TURN, self.stream.read_u8()).await.is_err()
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_without_a_request_is_left_after_ten_seconds() {
    assert_eq!(Limited::start().connect().await.borne().await, 10);
}

#[tokio::test(start_paused = true)]
async fn a_client_without_another_request_is_left_after_ninety_seconds() {
    let server = Limited::start();
    let mut client = server.connect().await;
    for _ in 0..3 {
        client.ask().await;
        // A usual interval of probes.
        advance(Duration::from_secs(60)).await;
    }
    client.ask().await;
    assert_eq!(client.borne().await, 90);
}

#[tokio::test(start_paused = true)]
async fn a_head_that_trickles_is_no_request() {
    let server = Limited::start();
    for (asked_before, most) in [(false, 10), (true, 90)] {
        let mut client = server.connect().await;
        if asked_before {
            client.ask().await;
        }
        while client.stream.write_all(b"G").await.is_ok() {
            sleep(Duration::from_secs(1)).await;
            assert!(client.since.elapsed() < PATIENCE, "it is borne with");
        }
        let after = client.since.elapsed().as_secs();
        assert!((most..=most + 1).contains(&after), "{after}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_reads_is_left() {
    let mut client = Limited::start().connect().await;
    let sending = async { while client.stream.write_all(REQUEST).await.is_ok() {} };
    timeout(PATIENCE, sending).await.expect("it is left");
    assert_eq!(client.since.elapsed().as_secs(), 90);
}

#[tokio::test(start_paused = true)]
async fn one_more_takes_the_place_of_the_most_silent() {
    let server = Limited::start();
    let mut first = server.connect().await;
    let mut second = server.connect().await;
    let mut third = server.connect().await;
    first.ask().await;
    let mut fourth = server.connect().await;
    assert!(!second.is_open().await, "it has been silent the longest");
    for client in [&mut first, &mut third, &mut fourth] {
        assert!(client.is_open().await);
        client.ask().await;
    }
    // A place that is free is taken first.
    drop(first);
    sleep(TURN).await;
    let mut fifth = server.connect().await;
    for client in [&mut third, &mut fourth, &mut fifth] {
        assert!(client.is_open().await);
    }
}

/// A listener that has more to do than to accept.
struct Handshakes(Doors);

impl Listener for Handshakes {
    type Io = DuplexStream;
    type Addr = ();

    async fn accept(&mut self) -> (DuplexStream, ()) {
        let accepted = self.0.accept().await;
        sleep(Duration::from_secs(1)).await;
        accepted
    }

    fn local_addr(&self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_handshake_is_not_dropped_when_another_client_leaves() {
    let (doors, accepted) = mpsc::unbounded_channel();
    tokio::spawn(serve(
        Handshakes(Doors(accepted)),
        app(),
        pending(),
        pending(),
        PATIENCE,
        APPLICATION,
    ));
    let server = Limited { doors };
    let mut first = server.connect().await;
    first.ask().await;
    let mut second = server.connect().await;
    drop(first);
    sleep(TURN).await;
    second.ask().await;
}

/// A server on a socket that stops when it is told to, and a client that it has answered once.
async fn on_a_socket() -> (TcpStream, oneshot::Sender<()>, JoinHandle<Ended>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let stopping = async { stopped.await.unwrap() };
    let served = tokio::spawn(serve(listener, app(), stopping, pending(), PATIENCE, APPLICATION));
    let mut client = TcpStream::connect(address).await.unwrap();
    ask(&mut client).await;
    (client, stop, served)
}

// The runtime has one thread, and does not look at its sockets before the test waits.

#[tokio::test]
async fn who_has_been_connected_by_the_system_alone_is_answered() {
    let (kept, stop, served) = on_a_socket().await;
    let mut client = std::net::TcpStream::connect(kept.peer_addr().unwrap()).unwrap();
    client.write_all(REQUEST).unwrap();
    stop.send(()).unwrap();
    assert_eq!(timeout(PATIENCE, served).await.unwrap().unwrap().cut, 0);
    let answer = io::read_to_string(client).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("hello"), "{answer}");
}

#[tokio::test]
async fn what_has_come_but_was_not_read_yet_is_answered() {
    let (mut kept, stop, served) = on_a_socket().await;
    assert_eq!(kept.try_write(REQUEST).unwrap(), REQUEST.len());
    stop.send(()).unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, kept.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.ends_with("hello"), "{answer}");
    assert_eq!(served.await.unwrap().cut, 0);
}

#[tokio::test]
async fn who_is_silent_does_not_hold_the_server_up() {
    let (mut kept, stop, served) = on_a_socket().await;
    let silent = TcpStream::connect(kept.peer_addr().unwrap()).await.unwrap();
    stop.send(()).unwrap();
    let stopped = Instant::now();
    assert_eq!(timeout(PATIENCE, served).await.unwrap().unwrap().cut, 0);
    assert!(stopped.elapsed() < PATIENCE / 4, "{:?}", stopped.elapsed());
    for client in [&mut kept, &mut { silent }] {
        assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
    }
}
