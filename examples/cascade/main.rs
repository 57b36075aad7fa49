//! Services that need each other, all asked for their health at once, in one process.
//!
//! A service reports its own health and that of the services it needs. If each service passed a question on, a
//! circle would pass it on for ever, and one question to a diamond, four wide and six deep, would become 9,556.
//! If a service repeated what it last heard of others, the members of a circle would keep each other DOWN long
//! after the fault has ended.
//!
//! So a request to another service has the header `management-cascade`, and the other service answers it from
//! its own checks only. Each edge costs one call, no answer waits for more than one, and a circle recovers as
//! soon as its members do. The price: a service that needs a service that is DOWN is DOWN, but a service that
//! needs only that one is not.

mod graph;

use std::collections::BTreeMap;
use std::error::Error;
use std::future::{IntoFuture, ready};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{env, io, process};

use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use management_axum::{Builder, Check, Config, Management};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

pub use graph::Graph;

const USAGE: &str = "\
usage: cascade [pair | chain LENGTH | circle LENGTH | diamond WIDTH DEPTH | A-B,B-C,…]
               [--ttl 5s | --interval 1s]";

/// What is shown where no graph is asked for.
const SHOWN: [&str; 6] =
    ["pair", "chain 10", "circle 5", "A-B,A-C,B-C,C-B", "diamond 3 4", "diamond 4 6"];

impl Graph {
    /// Starts all services, whose builders `configure` may add to.
    pub async fn start(
        &self,
        configure: impl Fn(&str, Builder) -> Builder,
    ) -> Result<Vec<Service>, Box<dyn Error>> {
        // In a circle, nobody can be the first to know where the others are.
        let mut listeners = BTreeMap::new();
        for name in self.needs.keys() {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            listeners.insert(name, (listener.local_addr()?, listener));
        }
        let mut services = Vec::new();
        let addresses: BTreeMap<_, _> = listeners.iter().map(|(name, to)| (*name, to.0)).collect();
        for (name, (address, listener)) in listeners {
            let is_down = Arc::new(AtomicBool::new(false));
            let switch = Arc::clone(&is_down);
            let own = Check::new("own", move || ready(!switch.load(Ordering::SeqCst)));
            let mut builder = Management::builder().name(name).check(own.readiness());
            for other in &self.needs[name] {
                builder = builder.service_dependency(other, addresses[other].to_string());
            }
            let management = configure(name, builder).build()?;
            let calls = Arc::new(AtomicUsize::new(0));
            let app = management_axum::router(&management)
                .layer(from_fn_with_state(Arc::clone(&calls), count));
            let (stop, stopped) = oneshot::channel::<()>();
            let server = axum::serve(listener, app);
            let server = server.with_graceful_shutdown(async { drop(stopped.await) });
            tokio::spawn(server.into_future());
            let name = name.clone();
            services.push(Service { name, address, management, is_down, calls, _stop: stop });
        }
        Ok(services)
    }
}

/// Counts requests of other services.
async fn count(State(calls): State<Arc<AtomicUsize>>, request: Request, next: Next) -> Response {
    if request.headers().contains_key("management-cascade") {
        calls.fetch_add(1, Ordering::SeqCst);
    }
    next.run(request).await
}

/// A service that runs until this is dropped.
#[derive(Debug)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// Its checks: an own one, and its dependencies.
    pub management: Management,
    /// Whether its own check fails.
    pub is_down: Arc<AtomicBool>,
    calls: Arc<AtomicUsize>,
    _stop: oneshot::Sender<()>,
}

impl Service {
    /// How often other services have asked it.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

/// Asks as a prober does. `headers` are whole lines.
pub async fn ask(address: SocketAddr, path: &str, headers: &str) -> io::Result<String> {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(format!("GET {path} HTTP/1.0\r\n{headers}\r\n").as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.map(|_| answer)
    };
    tokio::time::timeout(Duration::from_secs(30), exchange).await?
}

/// Asks all services at once, and tells how long each answer took.
pub async fn ask_all(
    services: &[Service],
    path: &'static str,
) -> io::Result<Vec<(String, Duration)>> {
    let began = Instant::now();
    let one = |service: &Service| {
        let asking = ask(service.address, path, "");
        tokio::spawn(async move { asking.await.map(|answer| (answer, began.elapsed())) })
    };
    let mut answers = Vec::new();
    for prober in services.iter().map(one).collect::<Vec<_>>() {
        answers.push(prober.await??);
    }
    Ok(answers)
}

/// The graphs, and how they are configured, of the command line.
fn arguments(mut given: impl Iterator<Item = String>) -> Result<(Vec<Graph>, Config), String> {
    let (mut words, mut settings) = (Vec::new(), serde_json::Map::new());
    while let Some(word) = given.next() {
        match word.strip_prefix("--") {
            Some(key @ ("ttl" | "interval")) => {
                settings.insert(key.into(), given.next().unwrap_or_default().into());
            }
            Some(_) => return Err(format!("`{word}` is no option")),
            None => words.push(word),
        }
    }
    let config = serde_json::from_value(settings.into()).map_err(|why| why.to_string())?;
    let graphs =
        if words.is_empty() { SHOWN.map(String::from).into() } else { vec![words.join(" ")] };
    Ok((graphs.iter().map(|graph| Graph::parse(graph)).collect::<Result<_, _>>()?, config))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (graphs, config) = arguments(env::args().skip(1)).unwrap_or_else(|mistake| {
        eprintln!("{mistake}\n\n{USAGE}");
        process::exit(2)
    });
    println!(
        "{:16} {:>5} {:>5} {:>5}  {:>7}  statuses",
        "graph", "nodes", "edges", "calls", "slowest"
    );
    for graph in graphs {
        let services = graph.start(|_, builder| builder.config(config.clone())).await?;
        let answers = ask_all(&services, "/z/health").await?;
        let mut statuses = BTreeMap::<_, usize>::new();
        for (answer, _) in &answers {
            // `status` is the first key of every body.
            *statuses.entry(answer.split('"').nth(3).unwrap_or(answer)).or_default() += 1;
        }
        let statuses: Vec<_> =
            statuses.iter().map(|(status, count)| format!("{count} {status}")).collect();
        println!(
            "{:16} {:5} {:5} {:5}  {:4} ms  {}",
            graph.name,
            services.len(),
            graph.edges(),
            services.iter().map(Service::calls).sum::<usize>(),
            answers.iter().map(|(_, took)| took.as_millis()).max().unwrap_or_default(),
            statuses.join(", "),
        );
        let took = services.iter().zip(&answers).map(|(service, (_, took))| {
            format!("{} {:.1}", service.name, took.as_secs_f64() * 1000.0)
        });
        println!("  ms: {}", took.collect::<Vec<_>>().join(", "));
    }
    Ok(())
}
