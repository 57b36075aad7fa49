//! What can happen to the connections of each client.

use std::fs;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use management_core::{Check, Management, Status};
use management_indicators as indicators;
use redis::aio::{ConnectionManager, ConnectionManagerConfig, MultiplexedConnection};
use redis::cmd;

use super::{Open, Redis, client, connect};
use crate::faults::{Answer, Client, PASSWORD, Service, TIMEOUT, USER, answers};
use crate::proxy::Proxy;
use crate::server::Server;

fn find<'a>(answers: &'a [Answer], fault: &str) -> &'a Answer {
    answers.iter().find(|answer| answer.fault == fault).expect("it is tried")
}

fn assert_up(answers: &[Answer], faults: &[&str]) {
    for fault in faults {
        let answer = find(answers, fault);
        assert_eq!(answer.status, Status::Up, "{answer}");
    }
}

fn assert_down(answers: &[Answer], fault: &str, reason: &str) {
    let answer = find(answers, fault);
    assert_eq!((answer.status, answer.reason.as_str()), (Status::Down, reason), "{answer}");
}

struct ByClient(redis::Client);

impl Client for ByClient {
    type Host = Server<Redis>;

    const NAME: &str = "Redis, client";

    async fn new(port: u16, password: &str) -> Self {
        ByClient(client(port, Some((USER, password))))
    }

    fn check(&self) -> Check {
        indicators::redis::check("it", &self.0).into()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn client_on_redis() {
    let answers = answers::<ByClient>().await;
    assert_up(
        &answers,
        &[
            "up",
            // A second connection works at once.
            "half-open connection",
            "SIGCONT",
            "restarted",
            "restarted after that",
        ],
    );
    assert_down(&answers, "wrong password", "authentication failed");
    let late = "timed out after 1s while connecting again, after the connection gave no answer";
    assert_down(&answers, "SIGSTOP", late);
    for fault in ["stopped", "killed"] {
        assert_down(&answers, fault, "cannot connect: Connection refused (os error 111)");
    }
}

struct ByManager(ConnectionManager);

impl Client for ByManager {
    type Host = Server<Redis>;

    const NAME: &str = "Redis, manager";
    const HALF_OPEN: Status = Status::Down;

    async fn new(port: u16, password: &str) -> Self {
        // With its defaults, it would try for longer than a run takes.
        let config = ConnectionManagerConfig::new().set_max_delay(TIMEOUT / 20);
        let config = config.set_number_of_retries(3);
        let client = client(port, Some((USER, password)));
        ByManager(client.get_connection_manager_lazy(config).unwrap())
    }

    fn check(&self) -> Check {
        indicators::redis::check("it", &self.0).into()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn manager_on_redis() {
    let answers = answers::<ByManager>().await;
    assert_up(&answers, &["up", "SIGCONT", "restarted", "restarted after that"]);
    assert_down(&answers, "wrong password", "authentication failed");
    // The manager keeps the connection, and cannot be used.
    for fault in ["half-open connection", "SIGSTOP"] {
        assert_down(&answers, fault, "timed out after 1s while waiting for PONG");
    }
    for fault in ["stopped", "killed"] {
        let answer = find(&answers, fault);
        assert_eq!(answer.status, Status::Down, "{answer}");
        assert!(
            answer.reason.starts_with("timed out after 1s while reconnecting (")
                || answer.reason == "cannot connect: Connection refused (os error 111)",
            "{answer}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manager_with_its_defaults_is_up_two_runs_after_a_restart() {
    let mut server = Server::<Open>::start();
    let manager = client(server.port, None).get_connection_manager().await.unwrap();
    let check = indicators::redis::check("it", &manager).readiness().ttl(Duration::ZERO);
    let management = Management::builder().check(check).build().unwrap();
    let ask = async || management.health().await.component("it").unwrap().health().clone();
    assert_eq!(ask().await.status(), Status::Up);

    server.kill();
    assert_eq!(ask().await.status(), Status::Down);
    server.start_again();
    let first = ask().await;
    let then = if first.status() == Status::Up { first } else { ask().await };
    assert_eq!(then.status(), Status::Up, "{then:?}");

    // It has noticed nothing when the next run begins.
    server.stop();
    server.start_again();
    let health = ask().await;
    assert_eq!(health.status(), Status::Up, "{health:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_multiplexed_connection_survives_a_pause_and_nothing_else() {
    let mut server = Server::<Open>::start();
    // Its response timeout, by default, is shorter than the deadline.
    let connection = client(server.port, None).get_multiplexed_async_connection().await.unwrap();
    let service = Service::new(indicators::redis::check("it", &connection).into());
    assert_eq!(service.ask("up").await.status, Status::Up);

    server.pause();
    let answer = service.ask("SIGSTOP").await;
    assert_eq!(answer.reason, "timed out after 1s while waiting for PONG");
    server.resume();
    let answer = service.ask("SIGCONT").await;
    assert_eq!(answer.status, Status::Up, "{answer}");

    server.stop();
    server.start_again();
    let answer = service.ask("restarted").await;
    assert_eq!(answer.status, Status::Down);
    assert!(answer.reason.starts_with("connection lost: "), "{answer}");
    assert!(answer.reason.ends_with("; a MultiplexedConnection does not reconnect"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_holds_one_connection_and_closes_what_it_replaces() {
    let server = Server::<Open>::start();
    let mut other = connect(&client(server.port, None)).await;
    let proxy = Proxy::start(server.port).await;
    let client = client(proxy.port, None);
    let service = Service::new(indicators::redis::check("it", &client).into());
    for _ in 0..20 {
        assert_eq!(service.ask("up").await.status, Status::Up);
    }
    assert_eq!(connected(&mut other).await, 2);
    // The proxy keeps its side of the frozen connection.
    proxy.freeze();
    assert_eq!(service.ask("half-open").await.status, Status::Up);
    for _ in 0..20 {
        assert_eq!(service.ask("up").await.status, Status::Up);
    }
    assert_eq!(connected(&mut other).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_pings_at_once_end_when_the_server_is_killed() {
    let mut server = Server::<Open>::start();
    let client = client(server.port, None);
    let manager = client.get_connection_manager().await.unwrap();
    let connection = connect(&client).await;
    server.pause();
    let begun = Instant::now();
    let pings = async || {
        tokio::join!(
            join_all((0..50).map(|_| indicators::redis::ping(&client))),
            join_all((0..50).map(|_| indicators::redis::ping(&manager))),
            join_all((0..50).map(|_| indicators::redis::ping(&connection))),
        )
    };
    let mut pings = Box::pin(pings());
    assert!(tokio::time::timeout(Duration::from_millis(300), &mut pings).await.is_err());
    server.kill();
    let (by_client, by_manager, by_connection) = pings.await;
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(4 + 2), "{took:?}");
    println!("150 pings, and the server is killed: {took:?}");
    for health in by_client.iter().chain(&by_manager).chain(&by_connection) {
        assert_eq!(health.status(), Status::Down, "{health:?}");
    }
    assert_eq!(by_manager[0].reason(), Some("timed out after 4s"));
}

async fn connected(other: &mut MultiplexedConnection) -> usize {
    let clients: String = cmd("CLIENT").arg("LIST").query_async(other).await.unwrap();
    clients.lines().count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manager_whose_password_is_refused_while_it_reconnects_has_given_up() {
    let mut server = Server::<Redis>::start();
    let client = client(server.port, Some((USER, PASSWORD)));
    let config = ConnectionManagerConfig::new().set_max_delay(TIMEOUT / 20);
    let manager = client.get_connection_manager_with_config(config).await.unwrap();
    let service = Service::new(indicators::redis::check("it", &manager).into());
    assert_eq!(service.ask("up").await.status, Status::Up);
    let conf = server.folder.path().join("redis.conf");
    let right = fs::read_to_string(&conf).unwrap();
    server.stop();
    fs::write(&conf, right.replace(PASSWORD, "another")).unwrap();
    server.start_again();
    let answer = service.ask("another password").await;
    assert_eq!(answer.reason, "authentication failed");
    server.stop();
    fs::write(&conf, right).unwrap();
    server.start_again();
    for _ in 0..2 {
        let answer = service.ask("the right password").await;
        assert_eq!(answer.reason, "authentication failed");
    }
    let anew = indicators::redis::ping(&client).await;
    assert_eq!(anew.status(), Status::Up);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_slower_than_the_client_waits_is_up() {
    let server = Server::<Open>::start();
    let config = ConnectionManagerConfig::new().set_response_timeout(Some(TIMEOUT / 20));
    let client = client(server.port, None);
    let manager = client.get_connection_manager_with_config(config).await.unwrap();
    let service = Service::new(indicators::redis::check("it", &manager).into());
    assert_eq!(service.ask("up").await.status, Status::Up);
    server.pause();
    let (answer, ()) = tokio::join!(service.ask("slow"), async {
        // Longer than the client waits, and less than the check does.
        tokio::time::sleep(TIMEOUT / 4).await;
        server.resume();
    });
    assert_eq!(answer.status, Status::Up, "{answer}");
    assert!(answer.took > TIMEOUT / 4);
}
