//! Redis.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use management_core::{Check, Health, Management, Status};
use management_indicators as indicators;
use redis::aio::{ConnectionManager, ConnectionManagerConfig, MultiplexedConnection};
use redis::{IntoConnectionInfo, ProtocolVersion, RedisConnectionInfo, cmd};

use crate::faults::{Answer, Client, PASSWORD, Service, TIMEOUT, USER, answers};
use crate::proxy::Proxy;
use crate::server::{Kind, Server};

/// With a user and a password.
struct Redis;

impl Kind for Redis {
    fn prepare(folder: &Path) {
        let acl = format!("user default off\nuser {USER} on >{PASSWORD} ~* &* +@all\n");
        fs::write(folder.join("redis.conf"), acl).unwrap();
    }

    fn command(folder: &Path, port: u16) -> Command {
        command(folder, port)
    }

    fn is_ready(port: u16) -> bool {
        answers_at(port)
    }
}

/// Without a password.
struct Open;

impl Kind for Open {
    fn prepare(folder: &Path) {
        fs::write(folder.join("redis.conf"), "enable-debug-command yes\n").unwrap();
    }

    fn command(folder: &Path, port: u16) -> Command {
        command(folder, port)
    }

    fn is_ready(port: u16) -> bool {
        answers_at(port)
    }
}

/// In cluster mode, without slots.
struct Cluster;

impl Kind for Cluster {
    fn prepare(folder: &Path) {
        fs::write(folder.join("redis.conf"), "cluster-enabled yes\n").unwrap();
    }

    fn command(folder: &Path, port: u16) -> Command {
        let mut command = command(folder, port);
        // The default is 10,000 more than the port, which is not always a port.
        command.args(["--cluster-port", &crate::server::free_port().to_string()]);
        command
    }

    fn is_ready(port: u16) -> bool {
        answers_at(port)
    }
}

fn command(folder: &Path, port: u16) -> Command {
    let mut command = Command::new("redis-server");
    command.arg(folder.join("redis.conf")).args(["--bind", "127.0.0.1", "--save", ""]);
    command.args(["--port", &port.to_string()]);
    command
}

/// Whether the server answers anything.
fn answers_at(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    stream.write_all(b"PING\r\n").is_ok() && stream.read(&mut [0]).is_ok_and(|read| read > 0)
}

fn client(port: u16, user: Option<(&str, &str)>) -> redis::Client {
    client_with(port, user, |settings| settings)
}

fn client_with(
    port: u16,
    user: Option<(&str, &str)>,
    set: impl FnOnce(RedisConnectionInfo) -> RedisConnectionInfo,
) -> redis::Client {
    let mut settings = set(RedisConnectionInfo::default());
    if let Some((name, password)) = user {
        settings = settings.set_username(name).set_password(password);
    }
    let address = ("127.0.0.1", port).into_connection_info().unwrap();
    redis::Client::open(address.set_redis_settings(settings)).unwrap()
}

async fn execute(port: u16, words: &[&str]) {
    let mut connection = client(port, None).get_multiplexed_async_connection().await.unwrap();
    let mut command = cmd(words[0]);
    for word in &words[1..] {
        command.arg(word);
    }
    command.exec_async(&mut connection).await.unwrap();
}

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
    type Server = Redis;

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
    type Server = Redis;

    const NAME: &str = "Redis, manager";
    const REPLACES: bool = false;

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
    let mut server = Server::start::<Open>();
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
    let mut server = Server::start::<Open>();
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
    let server = Server::start::<Open>();
    let mut other = client(server.port, None).get_multiplexed_async_connection().await.unwrap();
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
    let mut server = Server::start::<Open>();
    let client = client(server.port, None);
    let manager = client.get_connection_manager().await.unwrap();
    let connection = client.get_multiplexed_async_connection().await.unwrap();
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
async fn a_server_that_does_not_work_as_it_should() {
    let mut master = Server::start::<Open>();
    let replica = Server::start::<Open>();
    let client = client(master.port, None);
    let ping = async || indicators::redis::ping(&client).await;
    let health = ping().await;
    assert_eq!(health.status(), Status::Up);
    assert_eq!(health.details()["role"], "master");
    assert!(health.details()["latencyMs"].is_number());
    assert!(health.details()["version"].as_str().unwrap().contains('.'), "{health:?}");

    let writable = Service::new(indicators::redis::check("it", &client).writable().into());
    assert_eq!(writable.ask("writable").await.status, Status::Up);
    execute(master.port, &["CONFIG", "SET", "min-replicas-to-write", "1"]).await;
    assert_reason(&writable, "read only: too few replicas").await;
    assert_eq!(ping().await.status(), Status::Up);
    execute(master.port, &["CONFIG", "SET", "min-replicas-to-write", "0"]).await;
    execute(master.port, &["CONFIG", "SET", "maxmemory", "1"]).await;
    assert_reason(&writable, "read only: out of memory").await;
    execute(master.port, &["CONFIG", "SET", "maxmemory", "0"]).await;
    assert_eq!(writable.ask("writable").await.status, Status::Up);
    // Nothing was written.
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let keys: usize = cmd("DBSIZE").query_async(&mut connection).await.unwrap();
    assert_eq!(keys, 0);

    // A folder in place of the file.
    fs::create_dir(master.folder.path().join("dump.rdb")).unwrap();
    execute(master.port, &["CONFIG", "SET", "save", "3600 1000"]).await;
    cmd("SET").arg("key").arg(1).exec_async(&mut connection).await.unwrap();
    assert!(cmd("SAVE").exec_async(&mut connection).await.is_err());
    cmd("BGSAVE").exec_async(&mut connection).await.unwrap();
    let until = Instant::now() + support::PATIENCE;
    let degraded = loop {
        let health = ping().await;
        if health.status() != Status::Up || until < Instant::now() {
            break health;
        }
    };
    assert_eq!(degraded.status(), Status::Degraded);
    assert_eq!(degraded.reason(), Some("accepts no writes: cannot save to its disk"));
    assert_reason(&writable, "read only: cannot save to its disk").await;
    execute(master.port, &["CONFIG", "SET", "save", ""]).await;

    // The role changes while the connection of the check is open.
    let replicated = self::client(replica.port, None);
    let check = indicators::redis::check("it", &replicated).writable();
    let of_replica = Service::new(check.into());
    assert_eq!(of_replica.ask("writable").await.status, Status::Up);
    execute(replica.port, &["REPLICAOF", "127.0.0.1", &master.port.to_string()]).await;
    assert_reason(&of_replica, "read only").await;
    let health = indicators::redis::ping(&replicated).await;
    assert_eq!((health.status(), &health.details()["role"]), (Status::Up, &"replica".into()));
    execute(replica.port, &["CONFIG", "SET", "replica-serve-stale-data", "no"]).await;
    master.kill();
    let until = Instant::now() + support::PATIENCE;
    let health = loop {
        let health = indicators::redis::ping(&replicated).await;
        if health.status() != Status::Up || until < Instant::now() {
            break health;
        }
    };
    assert_eq!(health.reason(), Some("the replica has lost its master"));
    execute(replica.port, &["REPLICAOF", "NO", "ONE"]).await;
    assert_eq!(of_replica.ask("writable").await.status, Status::Up);
}

async fn assert_reason(service: &Service, reason: &str) {
    let answer = service.ask("not writable").await;
    assert_eq!((answer.status, answer.reason.as_str()), (Status::Down, reason));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_loads_its_data_is_degraded() {
    let mut server = Server::start::<Open>();
    let client = client(server.port, None);
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut populate = cmd("DEBUG");
    populate.arg("POPULATE").arg(100_000).exec_async(&mut connection).await.unwrap();
    cmd("SAVE").exec_async(&mut connection).await.unwrap();
    drop(connection);
    server.stop();
    // Each key takes a millisecond, and requests are answered after each KiB.
    fs::write(
        server.folder.path().join("redis.conf"),
        "key-load-delay 1000\nloading-process-events-interval-bytes 1024\n",
    )
    .unwrap();
    server.start_again();
    let health = indicators::redis::ping(&client).await;
    assert_eq!((health.status(), health.reason()), (Status::Degraded, Some("loading its data")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_without_slots_is_down() {
    let server = Server::start::<Cluster>();
    let client = client(server.port, None);
    let service = Service::new(indicators::redis::check("it", &client).into());
    assert_reason(&service, "the cluster is down").await;
    execute(server.port, &["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]).await;
    let until = Instant::now() + support::PATIENCE;
    while service.ask("with slots").await.status != Status::Up {
        assert!(Instant::now() < until);
    }
    let check = indicators::redis::check("it", &client).writable();
    assert_eq!(Service::new(check.into()).ask("writable").await.status, Status::Up);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_connect_or_ask_is_told_why() {
    let server = Server::start::<Redis>();
    let reason = async |client: &redis::Client| {
        let health: Health = indicators::redis::ping(client).await;
        (health.status(), health.reason().unwrap_or_default().to_owned())
    };
    let down = |reason: &str| (Status::Down, reason.to_owned());
    assert_eq!(reason(&client(server.port, None)).await, down("authentication required"));
    let wrong = client(server.port, Some((USER, "wrong")));
    assert_eq!(reason(&wrong).await, down("authentication failed"));

    let third = |settings: RedisConnectionInfo| settings.set_protocol(ProtocolVersion::RESP3);
    let wrong = client_with(server.port, Some((USER, "wrong")), third);
    assert_eq!(reason(&wrong).await, down("wrong user name or password"));
    let right = client_with(server.port, Some((USER, PASSWORD)), third);
    let health = indicators::redis::ping(&right).await;
    assert_eq!((health.status(), &health.details()["role"]), (Status::Up, &"master".into()));

    let clerk = client(server.port, Some((USER, PASSWORD)));
    let mut connection = clerk.get_multiplexed_async_connection().await.unwrap();
    let users = [("mute", "-@all"), ("deaf", "+ping"), ("writer", "+ping +setrange")];
    for (user, rules) in users {
        let mut command = cmd("ACL");
        command.arg("SETUSER").arg(user).arg("on").arg(">s").arg("~*");
        for rule in rules.split(' ') {
            command.arg(rule);
        }
        command.exec_async(&mut connection).await.unwrap();
    }
    let mute = client(server.port, Some(("mute", "s")));
    assert_eq!(reason(&mute).await, down("no permission for PING"));
    let elsewhere = client_with(server.port, Some(("deaf", "s")), |settings| settings.set_db(1));
    assert_eq!(reason(&elsewhere).await, down("no permission for HELLO or SELECT"));
    let nowhere = client_with(server.port, Some((USER, PASSWORD)), |settings| settings.set_db(99));
    assert_eq!(reason(&nowhere).await, down("ERR DB index is out of range"));
    let deaf = client(server.port, Some(("deaf", "s")));
    let service = Service::new(indicators::redis::check("it", &deaf).into());
    for _ in 0..3 {
        assert_eq!(service.ask("deaf").await.status, Status::Up);
    }
    // The refused `INFO` was not sent again.
    let log: Vec<redis::Value> = cmd("ACL").arg("LOG").query_async(&mut connection).await.unwrap();
    let infos = log.iter().filter(|entry| {
        let entry = format!("{entry:?}");
        entry.contains("\"info\"") && entry.contains("\"deaf\"")
    });
    let counts: Vec<_> = infos.map(|entry| format!("{entry:?}")).collect();
    assert_eq!(counts.len(), 1, "{log:?}");
    assert!(counts[0].contains("bulk-string('\"count\"'), int(1)"), "{counts:?}");
    let check = indicators::redis::check("it", &deaf).writable();
    assert_eq!(Service::new(check.into()).ask("deaf").await.status, Status::Unknown);
    let writer = client(server.port, Some(("writer", "s")));
    let check = indicators::redis::check("it", &writer).writable();
    assert_eq!(Service::new(check.into()).ask("writer").await.status, Status::Up);

    let mut limit = cmd("CONFIG");
    limit.arg("SET").arg("maxclients").arg(1).exec_async(&mut connection).await.unwrap();
    let mut clients = cmd("CLIENT");
    let killed = clients.arg("KILL").arg("TYPE").arg("normal").arg("SKIPME").arg("yes");
    killed.exec_async(&mut connection).await.unwrap();
    for client in [&clerk, &client(server.port, None)] {
        assert_eq!(reason(client).await, down("max number of clients reached"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manager_whose_password_is_refused_while_it_reconnects_has_given_up() {
    let mut server = Server::start::<Redis>();
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
    let server = Server::start::<Open>();
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

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_is_no_redis_is_down() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let peer = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let text = b"HTTP/1.1 400 Bad Request\r\nset-cookie: secret=1\r\n\r\n";
            _ = tokio::io::AsyncWriteExt::write_all(&mut stream, text).await;
        }
    });
    let health = indicators::redis::ping(&client(port, None)).await;
    assert_eq!((health.status(), health.reason()), (Status::Down, Some("the peer is not Redis")));
    peer.abort();
}
