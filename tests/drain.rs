//! A server under load is told to stop, and no request is lost.
//!
//! The clients are those of a load balancer that asks readiness: when it has failed three times in a row,
//! the server gets no connection more, while those that are kept are used until the server closes them.
//! None of them sends a request twice, so what a server lets fall is lost.
//!
//! `cargo test --test drain -- --nocapture` shows the figures.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use http::header::CONNECTION;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rustix::process::{Pid, Signal, kill_process};
use tokio::net::TcpStream;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{interval, sleep, timeout};

/// Longer than a busy machine needs for anything.
const PATIENCE: Duration = Duration::from_secs(60);

const DELAY: Duration = Duration::from_secs(2);

/// How many clients there are of each kind.
const CLIENTS: usize = 50;

/// How many requests are answered before the server is told to stop.
const BEFORE: usize = 3000;

/// A process of its own, killed where the test ends before it.
struct Server {
    process: Child,
    printed: Option<BufReader<ChildStdout>>,
    address: SocketAddr,
    /// Where its endpoints are: on a thread of their own with `run`.
    management_address: SocketAddr,
}

impl Server {
    fn start(how: &str) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_drained"))
            .arg(how)
            .env_clear()
            .env("MANAGEMENT_DRAIN_DELAY", format!("{}s", DELAY.as_secs()))
            .envs((how == "run").then(|| ("MANAGEMENT_LISTEN", free.to_string())))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut printed = BufReader::new(process.stdout.take().unwrap());
        let mut address = String::new();
        let read = printed.read_line(&mut address);
        // Whatever it has printed, from here on it is killed.
        let mut server = Server {
            process,
            printed: Some(printed),
            address: ([127, 0, 0, 1], 0).into(),
            management_address: free,
        };
        read.unwrap();
        server.address = address.trim_end().parse().expect("an address");
        if how != "run" {
            server.management_address = server.address;
        }
        server
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).unwrap();
    }

    /// Waits for its end, and tells what it has printed last.
    async fn ended(mut self) -> (ExitStatus, String) {
        let mut printed = self.printed.take().unwrap();
        let reading = spawn_blocking(move || {
            let mut said = String::new();
            printed.read_to_string(&mut said).map(|_| said)
        });
        let said = timeout(PATIENCE, reading).await.expect("it ends").unwrap().unwrap();
        (self.process.wait().unwrap(), said)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Either it has ended already, or it does now.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The server as its clients see it.
struct Target {
    address: SocketAddr,
    management_address: SocketAddr,
    /// It gets no connection more.
    is_out: AtomicBool,
    /// What the probes found that took it out.
    failures: Mutex<Vec<String>>,
    answered: AtomicUsize,
    sent: AtomicUsize,
    reused: AtomicUsize,
    lost: Mutex<Vec<Lost>>,
}

struct Lost {
    is_reused: bool,
    why: String,
}

impl Target {
    fn new(server: &Server) -> Self {
        Target {
            address: server.address,
            management_address: server.management_address,
            is_out: AtomicBool::new(false),
            failures: Mutex::default(),
            answered: AtomicUsize::new(0),
            sent: AtomicUsize::new(0),
            reused: AtomicUsize::new(0),
            lost: Mutex::default(),
        }
    }

    /// Asks readiness every 100 ms, until it has failed three times in a row.
    async fn probe(&self) {
        let mut ticks = interval(Duration::from_millis(100));
        loop {
            ticks.tick().await;
            let found = timeout(Duration::from_secs(1), async {
                let mut client = Client::connect(self.management_address).await?;
                let asked = Client::request(Method::GET, "/z/health/readiness", Bytes::new());
                client.exchange(asked).await
            });
            let found = found.await.unwrap_or_else(|_| Err("no answer".into()));
            let mut failures = self.failures.lock().unwrap();
            match found {
                Ok((StatusCode::OK, ..)) => failures.clear(),
                Ok((code, _, body)) => {
                    failures.push(format!("{code} {}", String::from_utf8_lossy(&body)));
                }
                Err(why) => failures.push(why),
            }
            if failures.len() == 3 {
                self.is_out.store(true, SeqCst);
                return;
            }
        }
    }

    /// Sends one request after the other, on one connection for as long as the server keeps it, or on a
    /// new one for each.
    async fn load(&self, keeps: bool) {
        let mut kept: Option<Client> = None;
        loop {
            let is_reused = kept.is_some();
            // A connection that is kept is idle for longer at times, but not for the whole delay.
            let most = if is_reused && fastrand::u8(..) < 16 { 600 } else { 30 };
            sleep(Duration::from_millis(fastrand::u64(0..most))).await;
            if !is_reused && self.is_out.load(SeqCst) {
                return;
            }
            self.sent.fetch_add(1, SeqCst);
            self.reused.fetch_add(usize::from(is_reused), SeqCst);
            let client = match kept.take() {
                Some(client) => Ok(client),
                None => Client::connect(self.address).await,
            };
            let answered = match client {
                Ok(mut client) => client.ask().await.map(|stays| stays.then_some(client)),
                Err(why) => Err(why),
            };
            match answered {
                Ok(client) => {
                    self.answered.fetch_add(1, SeqCst);
                    kept = client.filter(|_| keeps);
                }
                Err(why) => self.lost.lock().unwrap().push(Lost { is_reused, why }),
            }
        }
    }
}

/// One connection.
struct Client {
    sender: SendRequest<Full<Bytes>>,
}

impl Client {
    async fn connect(address: SocketAddr) -> Result<Self, String> {
        let stream = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(told)?;
        // Whoever sends is told of its errors.
        tokio::spawn(connection);
        Ok(Client { sender })
    }

    fn request(method: Method, path: &str, body: Bytes) -> Request<Full<Bytes>> {
        let request = Request::builder().method(method).uri(path).header("host", "drained");
        request.body(Full::new(body)).unwrap()
    }

    async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<(StatusCode, HeaderMap, Bytes), String> {
        let unsent = |error| format!("found closed: {}", told(error));
        self.sender.ready().await.map_err(unsent)?;
        let response = self.sender.send_request(request).await.map_err(told)?;
        let (head, body) = response.into_parts();
        let body = body.collect().await.map_err(told)?;
        Ok((head.status, head.headers, body.to_bytes()))
    }

    /// Sends some request, and tells whether the connection stays.
    async fn ask(&mut self) -> Result<bool, String> {
        let (method, path, body, expected) = match fastrand::u8(..) {
            0..=179 => (Method::GET, "/small", Bytes::new(), Bytes::from_static(b"small")),
            180..=204 => (Method::GET, "/large", Bytes::new(), vec![b'l'; 256 * 1024].into()),
            _ => {
                let body = Bytes::from(vec![fastrand::alphanumeric() as u8; 64 * 1024]);
                (Method::POST, "/echo", body.clone(), body)
            }
        };
        let (code, headers, body) = self.exchange(Client::request(method, path, body)).await?;
        if (code, &body) != (StatusCode::OK, &expected) {
            return Err(format!("{code} with {} bytes at {path}", body.len()));
        }
        Ok(headers.get(CONNECTION).is_none_or(|value| value != "close"))
    }
}

/// An error with its causes.
fn told(error: hyper::Error) -> String {
    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
    format!("{error}{}", cause.unwrap_or_default())
}

/// What has come of a load under which a server was told to stop.
struct Figures {
    sent: usize,
    reused: usize,
    lost: Vec<Lost>,
    /// What the last three probes found.
    failures: Vec<String>,
    /// From the signal to the end of the process.
    took: Duration,
    status: ExitStatus,
    /// What the process has printed after its address.
    said: String,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Figures { sent, reused, lost, took, .. } = self;
        writeln!(
            f,
            "{sent} requests, {reused} of them on reused connections; ended {took:.1?} after the signal; {} lost",
            lost.len()
        )?;
        let mut reasons = BTreeMap::<_, usize>::new();
        for lost in lost {
            *reasons.entry((lost.is_reused, &*lost.why)).or_default() += 1;
        }
        for ((is_reused, why), count) in reasons {
            let which = if is_reused { "reused" } else { "new" };
            writeln!(f, "  {count} on {which} connections: {why}")?;
        }
        Ok(())
    }
}

async fn stop_under_load(how: &str, signal: Signal) -> Figures {
    let server = Server::start(how);
    let target = Arc::new(Target::new(&server));
    let mut clients = JoinSet::new();
    for client in 0..2 * CLIENTS {
        let target = Arc::clone(&target);
        clients.spawn(async move { target.load(client < CLIENTS).await });
    }
    let prober = Arc::clone(&target);
    clients.spawn(async move { prober.probe().await });
    let loaded = async {
        while target.answered.load(SeqCst) < BEFORE {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, loaded).await.expect("it answers");
    server.signal(signal);
    let begun = Instant::now();
    let (status, said) = server.ended().await;
    let took = begun.elapsed();
    timeout(PATIENCE, clients.join_all()).await.expect("every client ends");
    let target = Arc::into_inner(target).expect("every client has ended");
    let figures = Figures {
        sent: target.sent.into_inner(),
        reused: target.reused.into_inner(),
        lost: target.lost.into_inner().unwrap(),
        failures: target.failures.into_inner().unwrap(),
        took,
        status,
        said,
    };
    print!("{how}, signal {}: {figures}", signal.as_raw());
    assert!(figures.status.success(), "{:?}: {}", figures.status, figures.said);
    assert!(figures.reused > BEFORE / 10, "connections are reused: {figures}");
    figures
}

/// The loads do not measure each other.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Readiness has told the clients, and they had the whole delay.
#[track_caller]
fn was_announced(figures: &Figures) {
    let refused =
        |failure: &String| failure.starts_with("503 ") && failure.contains("OUT_OF_SERVICE");
    assert!(figures.failures.iter().all(refused), "{:?}", figures.failures);
    assert!(figures.took >= DELAY, "{figures}");
}

#[track_caller]
fn lost_none(figures: &Figures) {
    assert!(figures.lost.is_empty(), "{figures}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_is_lost_ten_times_in_a_row() {
    let _alone = ALONE.lock().await;
    for _ in 0..10 {
        let figures = stop_under_load("run", Signal::TERM).await;
        was_announced(&figures);
        lost_none(&figures);
        assert_eq!(figures.said, "0 cut\n");
    }
}

/// What the layer is for: a connection that is kept outlives the delay, and is closed just when its client
/// is about to use it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_layer_requests_on_kept_connections_are_lost() {
    let _alone = ALONE.lock().await;
    let bare = stop_under_load("bare", Signal::TERM).await;
    was_announced(&bare);
    assert!(!bare.lost.is_empty(), "{bare}");
    assert!(bare.lost.iter().all(|lost| lost.is_reused), "new connections are not: {bare}");

    let layered = stop_under_load("layered", Signal::TERM).await;
    was_announced(&layered);
    lost_none(&layered);
}

/// Nobody has been told, so that nothing is promised but an end; the figures tell what it costs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctrl_c_ends_a_server_under_load() {
    let _alone = ALONE.lock().await;
    let figures = stop_under_load("run", Signal::INT).await;
    assert_eq!(figures.said, "0 cut\n");
}
