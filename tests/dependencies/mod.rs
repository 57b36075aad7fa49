//! Service dependencies, asked over real sockets.

mod bodies;
mod cascade;
mod checks;
mod client;
mod hostile;
mod tls;

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::StatusCode;
use management_axum::{Check, Dependency, Management, ShowDetails};
use serde_json::Value;
use support::Lines;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Longer than a busy machine needs for anything.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server that does the same with each connection.
struct Peer {
    address: SocketAddr,
    seen: Seen,
}

/// What has come to a peer.
#[derive(Clone, Default)]
struct Seen {
    connections: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Peer {
    async fn new<F, Fut>(serve: F) -> Self
    where
        F: Fn(Connection) -> Fut + Send + 'static,
        Fut: Future<Output = io::Result<()>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Seen::default();
        let own = seen.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                own.connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(Connection { stream, seen: own.clone() }));
            }
        });
        Peer { address, seen }
    }

    /// Answers each request with these bytes, and keeps the connection.
    async fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let answer: Arc<[u8]> = answer.into().into();
        Peer::new(move |mut connection| {
            let answer = Arc::clone(&answer);
            async move {
                loop {
                    connection.request().await?;
                    connection.stream.write_all(&answer).await?;
                }
            }
        })
        .await
    }

    /// Answers one request with these bytes, and closes the connection.
    async fn closing(answer: impl Into<Vec<u8>>) -> Self {
        let answer: Arc<[u8]> = answer.into().into();
        Peer::new(move |mut connection| {
            let answer = Arc::clone(&answer);
            async move {
                connection.request().await?;
                connection.stream.write_all(&answer).await
            }
        })
        .await
    }

    async fn up() -> Self {
        Peer::answering(json(r#"{"status":"UP"}"#)).await
    }

    fn url(&self) -> String {
        format!("http://{}/health", self.address)
    }

    fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    /// The heads of the requests so far.
    fn requests(&self) -> Vec<String> {
        self.seen.requests.lock().unwrap().clone()
    }
}

struct Connection {
    stream: TcpStream,
    seen: Seen,
}

impl Connection {
    /// Reads the head of a request.
    async fn request(&mut self) -> io::Result<String> {
        let head = read_head(&mut self.stream).await?;
        self.seen.requests.lock().unwrap().push(head.clone());
        Ok(head)
    }
}

async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8(head).unwrap())
}

/// An answer of this code, with these headers.
fn answer(code: &str, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let head = format!("HTTP/1.1 {code}\r\n{headers}content-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// An answer as a service like ours gives it.
fn json(body: impl AsRef<[u8]>) -> Vec<u8> {
    answer("200 OK", "content-type: application/json\r\n", body)
}

/// What `/health` and the log say of a dependency that was asked once.
#[derive(Debug)]
struct Asked {
    status: String,
    /// The reason in the log, which the details have, too.
    why: String,
    /// Its component, with details.
    component: Value,
    /// Its component, as everybody may see it.
    plain: Value,
}

/// Asks a dependency at this URL beside another one and a check, which are not to be touched by it.
async fn ask(url: &str, timeout: Duration) -> Asked {
    let beside = Peer::up().await;
    let lines = Lines::default();
    let _guard = lines.capture();
    let management = |details| {
        Management::builder()
            .without_registered()
            .service_dependency("asked", Dependency::new(url).timeout(timeout))
            .service_dependency("beside", Dependency::new(beside.url()).timeout(PATIENCE))
            .check(Check::new("db", async || ()))
            .show_details(details)
            .health_budget(PATIENCE)
            .build()
            .unwrap()
    };
    let [plain, detailed] = [ShowDetails::never(), ShowDetails::always()].map(management);
    lines.take();

    let answer = support::get(&management_axum::router(&plain), "/z/health").await;
    let mut plain: Value = serde_json::from_str(&answer.body).expect("the answer is JSON");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let said = lines.take();
    let answer = support::get(&management_axum::router(&detailed), "/z/health").await;
    let mut detailed: Value = serde_json::from_str(&answer.body).expect("the answer is JSON");

    for whole in [&plain, &detailed] {
        let components = &whole["components"];
        assert_eq!(components["beside"]["status"], "UP", "{whole}");
        assert_eq!(components["db"]["status"], "UP", "{whole}");
        assert_eq!(components.as_object().unwrap().len(), 3, "{whole}");
    }
    let component = detailed["components"]["asked"].take();
    let status = component["status"].as_str().unwrap().to_owned();
    assert_eq!(plain["status"], *status, "the whole is as bad as this one");
    let is_down = status == "DOWN";
    let code = if is_down { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    assert_eq!(answer.status, code);

    let why = match &said[..] {
        [] => String::new(),
        [own, whole] => {
            let why = own.strip_prefix(&format!("WARN asked at {url} {status}: ")).expect(own);
            assert_eq!(*whole, format!("WARN health {status}: asked: {why}"));
            assert_eq!(component["details"]["error"], *why);
            why.to_owned()
        }
        more => panic!("{more:?}"),
    };
    assert_eq!(component["details"]["url"], *url);
    let took = Duration::from_millis(component["durationMs"].as_u64().unwrap());
    assert!(took <= timeout, "{took:?}");
    Asked { status, why, component, plain: plain["components"]["asked"].take() }
}

/// Asks a dependency that answers so at once.
async fn ask_for(answer: impl Into<Vec<u8>>) -> Asked {
    ask(&Peer::closing(answer).await.url(), PATIENCE).await
}

/// Asks a peer that is to be down for this reason.
#[track_caller]
fn is_down(asked: &Asked, why: &str) {
    assert_eq!((asked.status.as_str(), asked.why.as_str()), ("DOWN", why), "{}", asked.component);
}
