//! Pages of a small server.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use management_core::{Management, Status};
use management_indicators::http;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::{Asked, assert_health, run};

/// Its tasks end with the runtime of the test.
struct Server {
    port: u16,
    connections: Arc<AtomicUsize>,
    last_request: Arc<Mutex<String>>,
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (connections, last_request) = <(Arc<AtomicUsize>, Arc<Mutex<String>>)>::default();
        let server = Server { port, connections, last_request };
        let (connections, last_request) =
            (Arc::clone(&server.connections), Arc::clone(&server.last_request));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, Arc::clone(&last_request)));
            }
        });
        server
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}

async fn serve(mut stream: TcpStream, last_request: Arc<Mutex<String>>) {
    let mut request = Vec::new();
    while let Ok(byte) = stream.read_u8().await {
        request.push(byte);
        if !request.ends_with(b"\r\n\r\n") {
            continue;
        }
        let text = String::from_utf8(std::mem::take(&mut request)).unwrap();
        let path = text.split(' ').nth(1).unwrap().to_owned();
        *last_request.lock().unwrap() = text;
        let (head, body) = match path.as_str() {
            "/" => ("200 OK", "all is well".to_owned()),
            "/204" => ("204 No Content", String::new()),
            "/503" => ("503 Service Unavailable", "secret".into()),
            "/moved" => ("302 Found\r\nlocation: /", String::new()),
            "/large" => ("200 OK", "x".repeat(1 << 15)),
            "/long" => ("200 OK", "x".repeat(1 << 17) + "all is well"),
            "/encoded" => ("200 OK\r\ncontent-encoding: br", "all is well".into()),
            "/never" => std::future::pending().await,
            _ => ("404 Not Found", String::new()),
        };
        let length = match path.as_str() {
            "/204" => String::new(),
            _ => format!("content-length: {}\r\n", body.len()),
        };
        let answer = format!("HTTP/1.1 {head}\r\n{length}\r\n{body}");
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn what_is_expected_is_up() {
    let server = Server::start().await;
    for check in [
        http::check("page", server.url("")),
        http::check("page", server.url("/204")),
        http::check("page", server.url("/204")).expect(204),
        http::check("page", server.url("/503")).expect(503),
        http::check("page", server.url("/moved")).expect(302),
        http::check("page", server.url("/long")),
        http::check("page", server.url("/")).contains("is well"),
    ] {
        let health = run(check).await;
        assert_health(&health, Status::Up, "");
        assert!(health.details()["latencyMs"].is_f64(), "{health:?}");
    }
    assert_health(&http::ping(server.url("/")).await, Status::Up, "");
}

#[tokio::test]
async fn what_is_not_expected_is_down() {
    let server = Server::start().await;
    let lacks = "its answer lacks the expected text";
    for (check, why) in [
        (http::check("page", server.url("/503")), "answered 503"),
        (http::check("page", server.url("/")).expect(204), "answered 200 in place of 204"),
        (
            http::check("page", server.url("/moved")),
            "answered 302, but redirects are not followed: configure the URL to which it redirects",
        ),
        (http::check("page", server.url("/")).contains("not there"), lacks),
        (http::check("page", server.url("/long")).contains("all is well"), lacks),
        (
            http::check("page", server.url("/encoded")).contains("all is well"),
            "its answer has the encoding `br`",
        ),
    ] {
        let health = run(check).await;
        assert_health(&health, Status::Down, why);
        assert!(!format!("{health:?}").contains("not there"), "{health:?}");
    }
    assert_health(&http::ping(server.url("/503")).await, Status::Down, "answered 503");
}

#[tokio::test]
async fn user_information_is_sent_and_never_shown() {
    let server = Server::start().await;
    let url = format!("http://app:hunter2@127.0.0.1:{}/503", server.port);
    let health = run(http::check("page", &url)).await;
    assert_health(&health, Status::Down, "answered 503");
    // `app:hunter2`
    assert!(server.last_request.lock().unwrap().contains("authorization: Basic YXBwOmh1bnRlcjI="));
    assert!(!format!("{health:?}").contains("hunter2"), "{health:?}");
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://app:hunter2@{}/", gone.local_addr().unwrap());
    drop(gone);
    let health = http::ping(&url).await;
    assert_health(&health, Status::Down, "cannot connect: Connection refused");
    assert!(!format!("{health:?}").contains("hunter2"), "{health:?}");
}

#[tokio::test]
async fn runs_share_a_connection() {
    let server = Server::start().await;
    let page = Asked::new(http::check("page", server.url("/large")));
    let other = Asked::new(http::check("other", server.url("/503")));
    for _ in 0..3 {
        assert_health(&page.health().await, Status::Up, "");
        assert_health(&other.health().await, Status::Down, "answered 503");
    }
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_answer_that_never_comes() {
    let server = Server::start().await;
    let check = http::check("page", server.url("/never")).timeout(Duration::from_millis(200));
    let why = "timed out after 200ms while waiting for an answer";
    assert_health(&run(check).await, Status::Down, why);
}

/// The clients outlive the runtime that opened their connections.
#[test]
fn each_runtime_can_ask() {
    for _ in 0..2 {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let server = Server::start().await;
            let url = format!("http://localhost:{}/", server.port);
            assert_health(&run(http::check("page", url)).await, Status::Up, "");
        });
    }
}

#[tokio::test]
async fn a_certificate_that_nobody_trusts() {
    let server = crate::tls::Server::start(&crate::tls::expiring_in_days(90)).await;
    let check = http::check("page", format!("https://localhost:{}/", server.port));
    match Management::builder().check(check).build() {
        Ok(management) => {
            let report = management.health().await;
            let health = report.components()[0].health();
            assert_health(health, Status::Down, "cannot connect: invalid peer certificate");
        }
        Err(error) => {
            let error = error.to_string();
            assert!(error.contains("the platform has no certificates to trust"), "{error}");
            eprintln!("not tested: {error}");
        }
    }
}
