//! What can happen to a server, and what the check of a client of it answers.

use std::fmt;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use management_core::{Check, Management, Status};

use crate::proxy::Proxy;
use crate::server::{Kind, Server};

/// The deadline of a run.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(1);

/// How much later an answer may be, on a machine that is busy with other tests.
const TOLERANCE: Duration = Duration::from_millis(900);

<<<<<<< HEAD
/// How long after a run the next one begins.
const BEAT: Duration = Duration::from_millis(500);

=======
>>>>>>> 3a8364e32deac2bed9f14d70ab8d4da2bf3ba720
/// A client of a server.
pub(crate) trait Client: Sized + Send + Sync {
    type Server: Kind;

    /// What the table calls it.
    const NAME: &str;

    /// Makes a client of the server on a port. It need not connect yet.
    fn new(port: u16, password: &str) -> impl Future<Output = Self> + Send;

    fn check(&self) -> Check;

    /// Whether it has given back what the last run has used.
    fn is_settled(&self) -> bool {
        true
    }

<<<<<<< HEAD
    /// Whether a connection that does not answer keeps the check until the system gives it up.
    const BLOCKS: bool = false;

=======
>>>>>>> 3a8364e32deac2bed9f14d70ab8d4da2bf3ba720
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
        let reason = if reason.is_empty() { String::new() } else { format!("`{reason}`") };
        write!(f, "| {fault} | {status} | {reason} | {} ms |", took.as_millis())
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

<<<<<<< HEAD
    /// Asks at the first beat after something got well again, and if needed at the second one.
    async fn recovers(&self, fault: &'static str) -> Answer {
        let first = self.ask(fault).await;
        if first.status == Status::Up {
            return first;
        }
        tokio::time::sleep(BEAT).await;
        self.ask(fault).await
=======
    /// Asks until the second beat after something got well again.
    async fn recovers(&self, fault: &'static str) -> Answer {
        let first = self.ask(fault).await;
        if first.status == Status::Up { first } else { self.ask(fault).await }
>>>>>>> 3a8364e32deac2bed9f14d70ab8d4da2bf3ba720
    }
}

/// Does all that can happen to a server, one after the other.
pub(crate) async fn answers<C: Client>() -> Vec<Answer> {
    let mut server = Server::start::<C::Server>();
    let mut answers = Vec::new();
<<<<<<< HEAD
    let mut expect = |answer: Answer, status: Status| {
        println!("{} {answer}", C::NAME);
        assert_eq!(answer.status, status, "{answer}");
        answers.push(answer);
    };
    let client = C::new(server.port, PASSWORD).await;
    let service = Service::new(client.check());
    expect(service.ask("up").await, Status::Up);

    let other = Service::new(C::new(server.port, "wrong").await.check());
    expect(other.ask("wrong password").await, Status::Down);

    if let Some(taken) = client.exhaust().await {
        expect(service.ask("pool exhausted").await, Status::Degraded);
        server.stop();
        expect(service.ask("pool exhausted, server stopped").await, Status::Down);
        server.start_again();
        drop(taken);
        expect(service.recovers("restarted").await, Status::Up);
=======
    let client = C::new(server.port, PASSWORD).await;
    let service = Service::new(client.check());
    answers.push(service.ask("up").await);

    let other = Service::new(C::new(server.port, "wrong").await.check());
    answers.push(other.ask("wrong password").await);

    if let Some(taken) = client.exhaust().await {
        answers.push(service.ask("pool exhausted").await);
        server.stop();
        answers.push(service.ask("pool exhausted, server stopped").await);
        server.start_again();
        drop(taken);
        answers.push(service.recovers("restarted").await);
>>>>>>> 3a8364e32deac2bed9f14d70ab8d4da2bf3ba720
    }

    let proxy = Proxy::start(server.port).await;
    let proxied = C::new(proxy.port, PASSWORD).await;
    let behind = Service::new(proxied.check());
    assert_eq!(behind.ask("up").await.status, Status::Up);
    while !proxied.is_settled() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    proxy.freeze();
<<<<<<< HEAD
    let half_open = behind.recovers("half-open connection").await;
    expect(half_open, if C::BLOCKS { Status::Down } else { Status::Up });
    drop((behind, proxied, proxy));

    server.pause();
    expect(service.ask("SIGSTOP: accepts, never answers").await, Status::Down);
    server.resume();
    expect(service.recovers("SIGCONT").await, Status::Up);

    server.stop();
    expect(service.ask("stopped").await, Status::Down);
    server.start_again();
    expect(service.recovers("restarted").await, Status::Up);

    let probes: Vec<_> = (0..50).map(|_| service.ask("killed, 50 probes at once")).collect();
    let killed = async {
        // The probes are on their way.
        tokio::task::yield_now().await;
        server.kill();
    };
    let (all, ()) = tokio::join!(join_all(probes), killed);
    assert_eq!(all.len(), 50);
    expect(service.ask("killed").await, Status::Down);
    server.start_again();
    expect(service.recovers("started after that").await, Status::Up);
=======
    answers.push(behind.ask("half-open connection").await);
    answers.push(behind.recovers("half-open connection, next run").await);
    drop((behind, proxied, proxy));

    server.pause();
    answers.push(service.ask("SIGSTOP").await);
    server.resume();
    answers.push(service.recovers("SIGCONT").await);

    server.stop();
    answers.push(service.ask("stopped").await);
    server.start_again();
    answers.push(service.recovers("restarted").await);

    let probes: Vec<_> = (0..50).map(|_| service.ask("killed, 50 probes at once")).collect();
    let (all, ()) = tokio::join!(join_all(probes), async {
        // The probes are on their way.
        tokio::task::yield_now().await;
        server.kill();
    });
    assert_eq!(all.len(), 50);
    answers.push(service.ask("killed").await);
    server.start_again();
    answers.push(service.recovers("restarted after that").await);
    for answer in &answers {
        println!("{} {answer}", C::NAME);
    }
>>>>>>> 3a8364e32deac2bed9f14d70ab8d4da2bf3ba720
    answers
}
