//! Servers that answer, and do not work as they should.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use management_core::{Health, Status};
use management_indicators as indicators;
use redis::{ProtocolVersion, RedisConnectionInfo, cmd};

use super::{Open, Redis, answers_at, client, client_with, command, connect};
use crate::faults::{PASSWORD, Service, USER};
use crate::server::{Kind, Server};

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

async fn execute(port: u16, words: &[&str]) {
    let mut connection = connect(&client(port, None)).await;
    let mut command = cmd(words[0]);
    for word in &words[1..] {
        command.arg(word);
    }
    command.exec_async(&mut connection).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_work_as_it_should() {
    let mut master = Server::<Open>::start();
    let replica = Server::<Open>::start();
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
    let mut connection = connect(&client).await;
    let keys: usize = cmd("DBSIZE").query_async(&mut connection).await.unwrap();
    assert_eq!(keys, 0);

    // A folder in place of the file.
    fs::create_dir(master.folder.path().join("dump.rdb")).unwrap();
    execute(master.port, &["CONFIG", "SET", "save", "3600 1000"]).await;
    cmd("SET").arg("key").arg(1).exec_async(&mut connection).await.unwrap();
    assert!(cmd("SAVE").exec_async(&mut connection).await.is_err());
    cmd("BGSAVE").exec_async(&mut connection).await.unwrap();
    let degraded = until_not_up(&client).await;
    assert_eq!(degraded.status(), Status::Degraded);
    assert_eq!(degraded.reason(), Some("accepts no writes: cannot save to its disk"));
    assert_reason(&writable, "read only: cannot save to its disk").await;
    execute(master.port, &["CONFIG", "SET", "save", ""]).await;

    execute(master.port, &["CONFIG", "SET", "busy-reply-threshold", "1"]).await;
    let endless = {
        let mut connection = connection.clone();
        tokio::spawn(async move {
            let mut script = cmd("EVAL");
            script.arg("while true do end").arg(0).exec_async(&mut connection).await
        })
    };
    let busy = until_not_up(&client).await;
    assert_eq!(busy.reason(), Some("busy with a script"));
    execute(master.port, &["SCRIPT", "KILL"]).await;
    assert!(endless.await.unwrap().is_err());

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
    let health = until_not_up(&replicated).await;
    assert_eq!(health.reason(), Some("the replica has lost its master"));
    execute(replica.port, &["REPLICAOF", "NO", "ONE"]).await;
    assert_eq!(of_replica.ask("writable").await.status, Status::Up);
}

async fn until_not_up(client: &redis::Client) -> Health {
    let until = Instant::now() + support::PATIENCE;
    loop {
        let health = indicators::redis::ping(client).await;
        if health.status() != Status::Up || until < Instant::now() {
            return health;
        }
    }
}

async fn assert_reason(service: &Service, reason: &str) {
    let answer = service.ask("not writable").await;
    assert_eq!((answer.status, answer.reason.as_str()), (Status::Down, reason));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_loads_its_data_is_degraded() {
    let mut server = Server::<Open>::start();
    let client = client(server.port, None);
    let mut connection = connect(&client).await;
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
    let server = Server::<Cluster>::start();
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
    let server = Server::<Redis>::start();
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
    let mut connection = connect(&clerk).await;
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
