//! NATS.

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use async_nats::ConnectOptions;
use async_nats::connection::State;
use futures_util::future::join_all;
use management_core::{Check, Status};
use management_indicators as indicators;

use crate::faults::{Answer, Client, PASSWORD, Service, TIMEOUT, USER, answers};
use crate::proxy::Proxy;
use crate::server::{Kind, Server};

struct Nats;

impl Kind for Nats {
    fn prepare(folder: &Path) {
        // `sender` may not publish to inboxes, and `listener` may not subscribe to them.
        let users = format!(
            r#"authorization {{ users = [
                {{ user: "{USER}", password: "{PASSWORD}" }}
                {{ user: "sender", password: "s", permissions: {{ publish: "orders.>" }} }}
                {{ user: "listener", password: "s", permissions: {{ subscribe: "orders.>" }} }}
            ] }}"#
        );
        fs::write(folder.join("nats.conf"), users).unwrap();
    }

    fn command(folder: &Path, port: u16) -> Command {
        let mut command = Command::new("nats-server");
        command.arg("-c").arg(folder.join("nats.conf")).args(["-a", "127.0.0.1"]);
        command.args(["-p", &port.to_string()]);
        command
    }

    fn is_ready(port: u16) -> bool {
        TcpStream::connect(("127.0.0.1", port)).is_ok()
    }
}

fn options(user: &str, password: &str) -> ConnectOptions {
    ConnectOptions::with_user_and_password(user.into(), password.into())
}

async fn connect(options: ConnectOptions, port: u16) -> async_nats::Client {
    options.connect(format!("127.0.0.1:{port}")).await.unwrap()
}

struct AsyncNats(async_nats::Client);

impl Client for AsyncNats {
    type Host = Server<Nats>;

    const NAME: &str = "NATS";
    const HALF_OPEN: Status = Status::Down;

    async fn new(port: u16, password: &str) -> Self {
        let options = options(USER, password);
        // With a wrong password, there would not be a client.
        let options =
            if password == PASSWORD { options } else { options.retry_on_initial_connect() };
        AsyncNats(connect(options, port).await)
    }

    fn check(&self) -> Check {
        indicators::nats::check("it", &self.0)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn client_on_nats() {
    let answers = answers::<AsyncNats>().await;
    let expect = |fault: &str, status: Status, reason: &str| {
        let answer = answers.iter().find(|answer| answer.fault == fault).unwrap();
        assert_eq!((answer.status, answer.reason.as_str()), (status, reason), "{answer}");
    };
    for fault in ["up", "SIGCONT"] {
        expect(fault, Status::Up, "");
    }
    expect("wrong password", Status::Down, "connecting");
    let late = "timed out after 1s while waiting for a message to itself";
    for fault in ["half-open connection", "SIGSTOP"] {
        expect(fault, Status::Down, late);
    }
    for fault in ["stopped", "killed"] {
        expect(fault, Status::Down, "disconnected");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_run_after_the_client_has_reconnected_is_up() {
    let mut server = Server::<Nats>::start();
    let client = connect(options(USER, PASSWORD), server.port).await;
    let service = Service::new(indicators::nats::check("it", &client));
    assert_eq!(service.ask("up").await.status, Status::Up);
    server.kill();
    assert_eq!(service.ask("killed").await.reason, "disconnected");
    server.start_again();
    let until = Instant::now() + support::PATIENCE;
    while client.connection_state() != State::Connected {
        assert!(Instant::now() < until);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let answer = service.ask("restarted").await;
    assert_eq!(answer.status, Status::Up, "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn up_has_the_version_and_the_latency_whether_or_not_messages_are_echoed() {
    let server = Server::<Nats>::start();
    for options in [options(USER, PASSWORD), options(USER, PASSWORD).no_echo()] {
        let client = connect(options, server.port).await;
        let health = indicators::nats::ping(&client).await;
        assert_eq!(health.status(), Status::Up, "{health:?}");
        assert!(health.details()["latencyMs"].as_f64().unwrap() < 1000.0, "{health:?}");
        assert!(health.details()["version"].as_str().unwrap().contains('.'));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flush_does_not_notice_a_stopped_server() {
    let server = Server::<Nats>::start();
    let client = connect(options(USER, PASSWORD), server.port).await;
    client.flush().await.unwrap();
    server.pause();
    // It is why the check does more.
    tokio::time::timeout(support::PATIENCE, client.flush()).await.unwrap().unwrap();
    server.resume();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_without_the_permission_degrades_in_every_run() {
    let server = Server::<Nats>::start();
    for user in ["sender", "listener"] {
        let client = connect(options(user, "s"), server.port).await;
        let service = Service::new(indicators::nats::check("it", &client));
        for _ in 0..3 {
            let answer = service.ask(user).await;
            assert_eq!(answer.status, Status::Degraded, "{answer}");
            assert_eq!(
                answer.reason,
                "the server does not deliver to the inbox: does the user have the permission?"
            );
        }
        server.pause();
        assert_eq!(service.ask("SIGSTOP").await.status, Status::Down);
        server.resume();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_replaces_a_half_open_connection_after_its_own_pings() {
    let server = Server::<Nats>::start();
    let proxy = Proxy::start(server.port).await;
    let options = options(USER, PASSWORD).ping_interval(TIMEOUT / 2);
    let client = connect(options, proxy.port).await;
    let service = Service::new(indicators::nats::check("it", &client));
    assert_eq!(service.ask("up").await.status, Status::Up);
    proxy.freeze();
    let until = Instant::now() + support::PATIENCE;
    let mut was_down = false;
    loop {
        let answer: Answer = service.ask("half-open").await;
        if was_down && answer.status == Status::Up {
            break;
        }
        was_down |= answer.status == Status::Down;
        assert!(Instant::now() < until, "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inbox_that_cannot_be_is_told() {
    let server = Server::<Nats>::start();
    let options = options(USER, PASSWORD).custom_inbox_prefix("in box");
    let client = connect(options, server.port).await;
    let health = indicators::nats::ping(&client).await;
    assert_eq!(health.status(), Status::Down);
    assert!(health.reason().unwrap().contains("subject"), "{health:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_client_is_down() {
    let server = Server::<Nats>::start();
    let client = connect(options(USER, PASSWORD), server.port).await;
    let service = Service::new(indicators::nats::check("it", &client));
    assert_eq!(service.ask("up").await.status, Status::Up);
    client.drain().await.unwrap();
    let until = Instant::now() + support::PATIENCE;
    while service.ask("draining").await.status == Status::Up {
        assert!(Instant::now() < until);
    }
    let answer = service.ask("drained").await;
    assert_eq!((answer.status, answer.reason.as_str()), (Status::Down, "the client is closed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_subscribes_once() {
    let server = Server::<Nats>::start();
    let client = connect(options(USER, PASSWORD), server.port).await;
    let service = Service::new(indicators::nats::check("it", &client));
    // The run that begins with the service has a message as well.
    assert_eq!(service.ask("up").await.status, Status::Up);
    let before = client.statistics().in_messages.load(std::sync::atomic::Ordering::Relaxed);
    for _ in 0..20 {
        assert_eq!(service.ask("up").await.status, Status::Up);
    }
    let after = client.statistics().in_messages.load(std::sync::atomic::Ordering::Relaxed);
    // A second subscription to the inbox would get each message as well.
    assert_eq!(after - before, 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_pings_at_once_end_when_the_server_is_killed() {
    let mut server = Server::<Nats>::start();
    let client = connect(options(USER, PASSWORD), server.port).await;
    server.pause();
    let begun = Instant::now();
    let mut pings = Box::pin(join_all((0..50).map(|_| indicators::nats::ping(&client))));
    assert!(tokio::time::timeout(Duration::from_millis(300), &mut pings).await.is_err());
    server.kill();
    let healths = pings.await;
    let took = begun.elapsed();
    println!("50 pings, and the server is killed: {took:?}");
    assert!(took < Duration::from_secs(4 + 2), "{took:?}");
    for health in healths {
        assert_eq!((health.status(), health.reason()), (Status::Down, Some("disconnected")));
    }
}
