//! Clients that have closed their sending side: those that wait, and those that are gone.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use hyper::body::Frame;
use tokio::sync::Notify;

use super::*;

/// Tells when it is dropped.
struct Dropped(Arc<Notify>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// A body that never ends: a part of it comes at each interval.
struct Parts {
    sleep: Pin<Box<tokio::time::Sleep>>,
    interval: Duration,
    part: Bytes,
    _dropped: Dropped,
}

impl hyper::body::Body for Parts {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<io::Result<Frame<Bytes>>>> {
        std::task::ready!(self.sleep.as_mut().poll(cx));
        let next = Instant::now() + self.interval;
        self.sleep.as_mut().reset(next);
        std::task::Poll::Ready(Some(Ok(Frame::data(self.part.clone()))))
    }
}

/// An application, and what is told when one of its endless answers is dropped.
fn endless() -> (Router, Arc<Notify>) {
    let dropped = Arc::new(Notify::new());
    let parts = {
        let dropped = Arc::clone(&dropped);
        move |interval: u64, length| {
            let interval = Duration::from_secs(interval);
            let (sleep, part) = (Box::pin(sleep(interval)), vec![b'p'; length].into());
            Body::new(Parts { sleep, interval, part, _dropped: Dropped(Arc::clone(&dropped)) })
        }
    };
    let stuck = Arc::clone(&dropped);
    let stuck = async move || {
        let _dropped = Dropped(stuck);
        pending::<&str>().await
    };
    let slow = async || {
        sleep(Duration::from_secs(9)).await;
        "hello"
    };
    let (silent, ticking, large) = (parts.clone(), parts.clone(), parts);
    let app = app()
        .route("/slow", get(slow))
        .route("/stuck", get(stuck))
        .route("/silent", get(async move || silent(3600, 1)))
        .route("/ticking", get(async move || ticking(5, 1)))
        .route("/large", get(async move || large(0, 1 << 20)));
    (app, dropped)
}

async fn half_closing(server: &Limited, path: &str) -> Client {
    let mut client = server.connect().await;
    client.stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).await.unwrap();
    client.stream.shutdown().await.unwrap();
    client.since = Instant::now();
    client
}

#[tokio::test(start_paused = true)]
async fn they_are_answered_on_both_listeners() {
    for limits in [APPLICATION, LIMITS] {
        for path in ["/", "/slow"] {
            let running = Stoppable::start(endless().0, limits);
            let mut client = half_closing(&running.server, path).await;
            let mut answer = String::new();
            timeout(PATIENCE, client.stream.read_to_string(&mut answer)).await.unwrap().unwrap();
            assert!(answer.starts_with("HTTP/1.0 200 OK\r\n"), "{path}: {answer}");
            assert!(answer.ends_with("\r\n\r\nhello"), "{path}: {answer}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn two_requests_at_once_are_answered() {
    let running = Stoppable::start(app(), APPLICATION);
    // The client sends both before it reads.
    let mut client = running.server.connect_through(1024).await;
    client.stream.write_all(&REQUEST.repeat(2)).await.unwrap();
    client.stream.shutdown().await.unwrap();
    let mut answers = String::new();
    timeout(PATIENCE, client.stream.read_to_string(&mut answers)).await.unwrap().unwrap();
    assert_eq!(answers.matches("hello").count(), 2, "{answers}");
}

/// What is read ahead, to see whether a client is there, does not take a body apart.
#[tokio::test]
async fn a_body_is_read_in_large_parts() {
    use http_body_util::BodyExt;

    let parts = async |mut body: Body| {
        let (mut parts, mut length) = (0, 0);
        while let Some(part) = body.frame().await {
            parts += 1;
            length += part.unwrap().into_data().unwrap().len();
            // The next part comes meanwhile.
            tokio::task::yield_now().await;
        }
        format!("{length} {parts}.")
    };
    let app = Router::new().route("/", axum::routing::post(parts));
    let running =
        Stoppable::start(app.layer(axum::extract::DefaultBodyLimit::disable()), APPLICATION);
    let length = 1 << 20;
    let mut client = running.server.connect_through(1 << 16).await;
    let head = format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n");
    client.stream.write_all(head.as_bytes()).await.unwrap();
    client.stream.write_all(&vec![b'x'; length]).await.unwrap();
    client.stream.shutdown().await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, client.stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    let told = answer.rsplit("\r\n").next().unwrap();
    let parts = told.strip_prefix("1048576 ").and_then(|told| told.strip_suffix('.'));
    let parts: usize = parts.expect(&answer).parse().unwrap();
    // A buffer is 8 KiB at least.
    assert!(parts <= length / 1024, "{parts}");
}

#[tokio::test(start_paused = true)]
async fn half_a_request_is_none() {
    for half in
        ["GET / HTTP/1.1\r\nHo", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf"]
    {
        let echo = app().route("/", axum::routing::post(async |body: String| body));
        let running = Stoppable::start(echo, APPLICATION);
        let mut client = running.server.connect().await;
        client.stream.write_all(half.as_bytes()).await.unwrap();
        client.stream.shutdown().await.unwrap();
        let mut answer = String::new();
        timeout(TURN, client.stream.read_to_string(&mut answer)).await.unwrap().unwrap();
        assert!(!answer.contains(" 200 OK"), "{half}: {answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_goes_on() {
    let running = Stoppable::start(endless().0, APPLICATION);
    let mut client = half_closing(&running.server, "/ticking").await;
    let mut parts = 0;
    while parts < 20 {
        let byte = timeout(PATIENCE, client.stream.read_u8()).await.unwrap().expect("it goes on");
        // The head has one, too.
        parts += usize::from(byte == b'p');
    }
    assert!(client.since.elapsed() >= Duration::from_secs(90));
}

/// A handler, a stream without an event, and one whose client takes nothing of it.
#[tokio::test(start_paused = true)]
async fn whose_client_may_be_gone_is_dropped_after_ten_seconds() {
    for limits in [APPLICATION, LIMITS] {
        for path in ["/stuck", "/silent", "/large"] {
            let (app, dropped) = endless();
            let running = Stoppable::start(app, limits);
            let client = half_closing(&running.server, path).await;
            timeout(PATIENCE, dropped.notified()).await.expect(path);
            assert_eq!(client.since.elapsed().as_secs(), 10, "{path}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn they_do_not_hold_a_drain() {
    for path in ["/stuck", "/silent", "/large"] {
        let running = Stoppable::start(endless().0, APPLICATION);
        let _client = half_closing(&running.server, path).await;
        let (ended, after) = running.stop().await;
        assert_eq!((ended.cut, after), (0, 10), "{path}");
    }
}

/// What tells the server that its client is gone for certain.
#[tokio::test]
async fn a_reset_is_noticed_at_once() {
    for path in ["/stuck", "/silent"] {
        let (app, dropped) = endless();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = serve(listener, app, pending(), pending(), PATIENCE, APPLICATION);
        let served = tokio::spawn(serving);
        let mut client = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
        client.write_all(request.as_bytes()).await.unwrap();
        // Whoever asks later is answered when the other one has been read.
        ask(&mut TcpStream::connect(address).await.unwrap()).await;
        client.set_zero_linger().unwrap();
        drop(client);
        // Less than what half-closed clients have.
        timeout(Duration::from_secs(9), dropped.notified()).await.expect(path);
        served.abort();
    }
}
