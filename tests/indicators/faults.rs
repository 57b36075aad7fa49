//! What can happen to a server, and what the check of a client of it answers.

use std::path::PathBuf;
use std::time::{Duration, Instant};
use std::{env, fmt, fs};

use futures_util::future::join_all;
use management_core::{Check, Management, Status};

use crate::proxy::Proxy;

/// The deadline of a run.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(1);

/// How much later an answer may be, on a machine that is busy with other tests.
const TOLERANCE: Duration = Duration::from_millis(900);

/// How long after a run the next one begins.
const BEAT: Duration = Duration::from_millis(500);

/// A server to which all of it can happen.
pub(crate) trait Host: Sized + Send + Sync + 'static {
    fn start() -> impl Future<Output = Self> + Send;

    fn port(&self) -> u16;

    /// Stops it in order.
    fn stop(&mut self) -> impl Future<Output = ()> + Send;

    /// Starts it again on the same port, after it was stopped or killed.
    fn start_again(&mut self) -> impl Future<Output = ()> + Send;

    fn kill(&mut self) -> impl Future<Output = ()> + Send;

    /// Lets it accept connections, and answer nothing.
    fn pause(&self) -> impl Future<Output = ()> + Send;

    fn resume(&self) -> impl Future<Output = ()> + Send;
}

/// A client of a server.
pub(crate) trait Client: Sized + Send + Sync {
    type Host: Host;

    /// What the table calls it.
    const NAME: &str;

    /// Makes a client of the server on a port. It need not connect yet.
    fn new(port: u16, password: &str) -> impl Future<Output = Self> + Send;

    fn check(&self) -> Check;

    /// Whether it has given back what the last run has used.
    fn is_settled(&self) -> bool {
        true
    }

    /// The status at the second beat after a connection has become half-open.
    const HALF_OPEN: Status = Status::Up;

    /// Whether there is a client before it has connected, and so one with a wrong password.
    const IS_LAZY: bool = true;

    /// Whether it recovers if requests are on their way when the server closes the connection.
    const RECOVERS_WHILE_ASKED: bool = true;

    /// Takes all connections, if it is a pool.
    fn exhaust(&self) -> impl Future<Output = Option<Box<dyn Send>>> + Send {
        std::future::ready(None)
    }
}

/// The right password of every server.
pub(crate) const PASSWORD: &str = "vErY-sEcReT";

/// The user on every server.
pub(crate) const USER: &str = "clerk";

/// An answer, and how long it took.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) fault: &'static str,
    pub(crate) status: Status,
    pub(crate) reason: String,
    pub(crate) took: Duration,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Answer { fault, status, reason, took } = self;
        write!(f, "{fault}\t{status}\t{reason}\t{}", took.as_millis())
    }
}

/// The check of a client, as a service asks it.
pub(crate) struct Service(Management);

impl Service {
    pub(crate) fn new(check: Check) -> Self {
        let check = check.readiness().timeout(TIMEOUT).ttl(Duration::ZERO);
        Service(Management::builder().health_budget(TIMEOUT * 3).check(check).build().unwrap())
    }

    /// Asks once.
    pub(crate) async fn ask(&self, fault: &'static str) -> Answer {
        let begun = Instant::now();
        let report = self.0.health().await;
        let took = begun.elapsed();
        let component = report.component("it").unwrap();
        let (status, reason) = (component.health().status(), component.health().reason());
        let reason = reason.unwrap_or_default().to_owned();
        for secret in [PASSWORD, USER, "pg_is_in_recovery", "://"] {
            assert!(!reason.contains(secret), "{reason}");
        }
        assert!(took < TIMEOUT + TOLERANCE, "{fault}: {took:?}");
        Answer { fault, status, reason, took }
    }

    /// Asks at the first beat after something got well again, and if needed at the second one.
    pub(crate) async fn recovers(&self, fault: &'static str) -> Answer {
        let first = self.ask(fault).await;
        if first.status == Status::Up {
            return first;
        }
        tokio::time::sleep(BEAT).await;
        self.ask(fault).await
    }
}

/// Does all that can happen to a server, one after the other.
pub(crate) async fn answers<C: Client>() -> Vec<Answer> {
    let mut server = C::Host::start().await;
    let mut answers = Vec::new();
    let mut expect = |answer: Answer, status: Status| {
        println!("{} {answer}", C::NAME);
        assert_eq!(answer.status, status, "{answer}");
        answers.push(answer);
    };
    let client = C::new(server.port(), PASSWORD).await;
    let service = Service::new(client.check());
    expect(service.ask("up").await, Status::Up);

    if C::IS_LAZY {
        let other = Service::new(C::new(server.port(), "wrong").await.check());
        expect(other.ask("wrong password").await, Status::Down);
    }

    if let Some(taken) = client.exhaust().await {
        let exhausted = service.ask("pool exhausted").await;
        assert!(exhausted.reason.starts_with("pool exhausted: "), "{exhausted}");
        expect(exhausted, Status::Degraded);
        server.stop().await;
        let down = service.ask("pool exhausted, server stopped").await;
        assert!(down.reason.starts_with("cannot connect: "), "{down}");
        assert!(down.reason.contains(" (pool exhausted: "), "{down}");
        expect(down, Status::Down);
        server.start_again().await;
        drop(taken);
        expect(service.recovers("pool exhausted, server restarted").await, Status::Up);
    }

    let proxy = Proxy::start(server.port()).await;
    let proxied = C::new(proxy.port, PASSWORD).await;
    let behind = Service::new(proxied.check());
    assert_eq!(behind.ask("up").await.status, Status::Up);
    while !proxied.is_settled() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    proxy.freeze();
    let half_open = behind.recovers("half-open connection").await;
    expect(half_open, C::HALF_OPEN);
    drop((behind, proxied, proxy));

    server.pause().await;
    expect(service.ask("SIGSTOP").await, Status::Down);
    server.resume().await;
    expect(service.recovers("SIGCONT").await, Status::Up);

    server.stop().await;
    expect(service.ask("stopped").await, Status::Down);
    server.start_again().await;
    expect(service.recovers("restarted").await, Status::Up);

    // The probes of a client that may not recover ask with another one.
    let another = if C::RECOVERS_WHILE_ASKED {
        None
    } else {
        Some(Service::new(C::new(server.port(), PASSWORD).await.check()))
    };
    let asked = another.as_ref().unwrap_or(&service);
    let probes: Vec<_> = (0..50).map(|_| asked.ask("killed, 50 probes at once")).collect();
    let killed = async move {
        // The probes are on their way.
        tokio::task::yield_now().await;
        let kill = async move {
            server.kill().await;
            server
        };
        tokio::spawn(kill).await.unwrap()
    };
    let (all, mut server) = tokio::join!(join_all(probes), killed);
    assert_eq!(all.len(), 50);
    for answer in &all {
        assert_ne!(answer.status, Status::Unknown, "{answer}");
    }
    expect(service.ask("killed").await, Status::Down);
    server.start_again().await;
    expect(service.recovers("restarted after that").await, Status::Up);
    report::<C>(&answers);
    answers
}

/// Compares the answers with those in the documentation, or writes them for it: `scripts/fault-table` sets the folder.
fn report<C: Client>(answers: &[Answer]) {
    if let Some(folder) = env::var_os("FAULT_TABLE") {
        let rows: String =
            answers.iter().map(|answer| format!("{}\t{answer}\n", C::NAME)).collect();
        let file = PathBuf::from(folder).join(C::NAME);
        return fs::write(file, rows).unwrap();
    }
    let page = include_str!("../../docs/indicators.md");
    let table = page.split("<!-- faults -->").nth(1).expect("a table of faults");
    let mut lines = table.lines().skip_while(|line| !line.starts_with("| What happened"));
    let columns: Vec<_> = lines.next().expect("a heading").split('|').map(str::trim).collect();
    let column = columns.iter().position(|name| *name == C::NAME).expect("a column of the client");
    for answer in answers {
        let row = lines.clone().find(|line| line.starts_with(&format!("| {} |", answer.fault)));
        let row = row.unwrap_or_else(|| panic!("the table has no row for {answer}"));
        let cell = row.split('|').nth(column).unwrap().trim();
        let status = cell.split(' ').next().unwrap();
        assert_eq!(status, answer.status.as_str(), "{}: {answer}", C::NAME);
    }
}
