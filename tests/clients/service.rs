//! Services that the clients probe.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::routing::any;
use management_axum::{Check, Dialect, Drained, Management, Status};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

use crate::{Door, PATIENCE, eventually};

/// A service with one readiness check, on a runtime of its own.
pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    pub(crate) name: &'static str,
    drain_delay: Duration,
    dialect: Option<Dialect>,
    shared: Shared,
    life: Option<Life>,
}

/// A service from its start to its end.
struct Life {
    management: Management,
    running: JoinHandle<io::Result<Drained>>,
    runtime: Runtime,
}

#[derive(Clone, Default)]
struct Shared {
    ready: Arc<AtomicBool>,
    degraded: Arc<AtomicBool>,
    requests: Arc<AtomicUsize>,
    probes: Arc<Mutex<Vec<String>>>,
}

impl Service {
    /// A service that is ready, and answers `name` on every path except those of the endpoints.
    pub(crate) fn start(name: &'static str) -> Self {
        Service::draining(name, Duration::ZERO)
    }

    /// A service with this delay before it stops.
    pub(crate) fn draining(name: &'static str, drain_delay: Duration) -> Self {
        Service::with(name, drain_delay, None)
    }

    /// A service that answers one client in its own way.
    pub(crate) fn speaking(name: &'static str, dialect: Dialect, drain_delay: Duration) -> Self {
        Service::with(name, drain_delay, Some(dialect))
    }

    fn with(name: &'static str, drain_delay: Duration, dialect: Option<Dialect>) -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let shared = Shared::default();
        let mut service = Service { address, name, drain_delay, dialect, shared, life: None };
        service.set_ready(true);
        service.serve();
        service
    }

    /// Serves at its address. It can serve again after its end.
    pub(crate) fn serve(&mut self) {
        let runtime = runtime();
        let (name, shared) = (self.name, self.shared.clone());
        let own = shared.clone();
        let check = Check::new("db", move || {
            let [ready, degraded] = [&own.ready, &own.degraded].map(|is| is.load(Ordering::SeqCst));
            let status = if degraded { Status::Degraded } else { Status::Up };
            std::future::ready(if ready { status } else { Status::Down })
        });
        let check = check.readiness().ttl(Duration::ZERO);
        let builder = Management::builder().check(check).drain_delay(self.drain_delay);
        let builder = self.dialect.into_iter().fold(builder, management_axum::Builder::dialect);
        let management = builder.build().unwrap();
        let requests = Arc::clone(&shared.requests);
        let app = Router::new().fallback(any(async move || {
            requests.fetch_add(1, Ordering::SeqCst);
            name
        }));
        let app = app.merge(management_axum::router(&management));
        let app = app.layer(from_fn(move |request: Request, next: Next| {
            shared.note(&request);
            next.run(request)
        }));
        let listener = runtime.block_on(TcpListener::bind(self.address)).unwrap();
        self.address = listener.local_addr().unwrap();
        let entered = runtime.enter();
        let running = tokio::spawn(management_axum::run(&management, listener, app));
        drop(entered);
        self.life = Some(Life { management, running, runtime });
    }

    /// Refuses new connections, and cuts open ones.
    pub(crate) fn stop(&mut self) {
        let life = self.life.take().expect("it serves");
        life.runtime.shutdown_timeout(PATIENCE);
        TcpStream::connect(self.address).expect_err("nobody listens");
    }

    /// Begins a drain, as SIGTERM does.
    pub(crate) fn drain(&self) {
        self.life().management.availability().drain("a test");
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.life().running.is_finished()
    }

    /// Waits for the end of a drain that cut no request.
    #[track_caller]
    pub(crate) fn ends(&mut self) {
        eventually("the drain ends", || self.has_ended().then_some(()));
        let life = self.life.take().expect("it serves");
        let drained = life.runtime.block_on(life.running).unwrap().unwrap();
        assert_eq!(drained.cut, 0, "{drained:?}");
    }

    fn life(&self) -> &Life {
        self.life.as_ref().expect("it serves")
    }

    pub(crate) fn set_ready(&self, ready: bool) {
        self.shared.ready.store(ready, Ordering::SeqCst);
    }

    pub(crate) fn set_degraded(&self, degraded: bool) {
        self.shared.degraded.store(degraded, Ordering::SeqCst);
    }

    /// The number of requests that the application has received.
    pub(crate) fn requests(&self) -> usize {
        self.shared.requests.load(Ordering::SeqCst)
    }

    /// The requests for readiness so far.
    pub(crate) fn probes(&self) -> Vec<String> {
        self.shared.probes.lock().unwrap().clone()
    }

    pub(crate) fn door(&self) -> Door {
        Door::Port(self.address)
    }
}

impl Shared {
    fn note(&self, request: &Request) {
        let path = request.uri().path();
        if path == "/z/health/readiness" {
            let header = |name| match request.headers().get(name) {
                Some(value) => value.to_str().unwrap(),
                None => "-",
            };
            let (method, version) = (request.method(), request.version());
            let (host, agent) = (header("host"), header("user-agent"));
            let probe = format!("{method} {version:?} host {host} agent {agent}");
            self.probes.lock().unwrap().push(probe);
        }
    }
}

pub(crate) fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// Serves in the background of this runtime.
pub(crate) async fn serve(address: SocketAddr, app: Router) -> SocketAddr {
    let listener = TcpListener::bind(address).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// A service that is ready, and closes the connection on every other request.
pub(crate) struct Cutting {
    pub(crate) address: SocketAddr,
    cut: Arc<AtomicUsize>,
}

impl Cutting {
    pub(crate) fn start() -> Self {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let cut = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&cut);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let count = Arc::clone(&count);
                // A client may hang up at any time.
                thread::spawn(move || talk(stream.ok()?, &count));
            }
        });
        Cutting { address, cut }
    }

    pub(crate) fn cut(&self) -> usize {
        self.cut.load(Ordering::SeqCst)
    }
}

fn talk(mut stream: TcpStream, cut: &AtomicUsize) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    if head.starts_with("GET /z/health/readiness ") {
        let ready = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        return stream.write_all(ready).ok();
    }
    cut.fetch_add(1, Ordering::SeqCst);
    // With unread bytes, the system would reset the connection instead of closing it.
    let length = if head.starts_with("POST") { 2 } else { 0 };
    reader.read_exact(&mut [0; 2][..length]).ok()
}
