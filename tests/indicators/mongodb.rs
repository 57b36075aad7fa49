//! The indicator of mongodb on a server that speaks its protocol.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use management_core::{Check, Component, Management, Status};
use management_indicators::mongodb::{check, ping};
use mongodb::Client;
use support::PATIENCE;

use crate::faults::{self, USER, answers};
use crate::mongo::{Mode, Mongo, Role};
use crate::proxy::Proxy;

const DEADLINE: Duration = Duration::from_secs(1);

struct Plain(Client);

impl faults::Client for Plain {
    type Host = Mongo;

    const NAME: &str = "MongoDB (fixture)";

    async fn new(port: u16, password: &str) -> Self {
        let uri = format!("mongodb://{USER}:{password}@127.0.0.1:{port}/?authMechanism=PLAIN");
        Plain(Client::with_uri_str(uri).await.unwrap())
    }

    fn check(&self) -> Check {
        check("it", &self.0).into()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mongodb_on_a_fixture() {
    answers::<Plain>().await;
}

#[tokio::test]
async fn a_server_that_answers_is_up_and_asked_for_its_version_once() {
    let server = Mongo::start(Role::Standalone).await;
    let db = watch(&client(server.port, "").await);
    for _ in 0..10 {
        let answer = ask(&db).await;
        assert_eq!(answer.status(), Status::Up, "{answer}");
        let details = answer.health().details();
        assert_eq!(details["version"], "8.0.4");
        assert!(details["latencyMs"].as_f64().unwrap() > 0.0);
    }
    assert_eq!(server.asked_for_version(), 1);
}

#[tokio::test]
async fn a_server_that_refuses_is_down_with_what_is_known() {
    let mut server = Mongo::start(Role::Standalone).await;
    let known = watch(&client(server.port, "").await);
    assert_eq!(ask(&known).await.status(), Status::Up);
    server.stop().await;
    let refused = "cannot connect: Connection refused (os error 111)";
    until(async || {
        let answer = ask(&known).await;
        assert_eq!(answer.status(), Status::Down, "{answer}");
        let reason = answer.health().reason().unwrap();
        reason == format!("timed out after 1s while selecting a server ({refused})")
    })
    .await;
    let unknown = watch(&client(server.port, "").await);
    assert_reason(&ask(&unknown).await, "timed out after 1s while selecting a server");
    let impatient = watch(&client(server.port, "?serverSelectionTimeoutMS=300").await);
    assert_reason(&ask(&impatient).await, refused);

    server.start_again().await;
    for db in [known, unknown, impatient] {
        until(async || ask(&db).await.status() == Status::Up).await;
    }
}

#[tokio::test]
async fn a_server_that_hangs_is_down_and_opens_few_connections() {
    let server = Mongo::start(Role::Standalone).await;
    let client = client(server.port, "").await;
    let db = watch(&client);
    assert_eq!(ask(&db).await.status(), Status::Up);
    server.set(Mode::Hangs);
    for _ in 0..5 {
        let answer = ask(&db).await;
        assert_reason(&answer, "timed out after 1s while waiting for an answer");
    }
    server.set(Mode::Answers);
    until(async || ask(&db).await.status() == Status::Up).await;
    let before = server.accepted();
    // One a run at most, beside those of the monitor.
    assert!(before <= 5 + 4, "{before}");
    for _ in 0..20 {
        assert_eq!(ask(&db).await.status(), Status::Up);
    }
    assert_eq!(server.accepted(), before);
}

#[tokio::test]
async fn a_failure_at_once_is_asked_again() {
    let server = Mongo::start(Role::Primary).await;
    let db = watch(&client(server.port, "").await);
    assert_eq!(ask(&db).await.status(), Status::Up);
    for mode in [Mode::ClosesOnce, Mode::StepsDown] {
        server.set(mode);
        assert_eq!(ask(&db).await.status(), Status::Up, "{mode:?}");
    }
    for (mode, reason) in [
        (Mode::Closes, "connection lost: "),
        (Mode::Fails(13, "Unauthorized"), "the server answered Unauthorized"),
        (Mode::Fails(7, ""), "the server answered error 7"),
        (Mode::Fails(18, "AuthenticationFailed"), "authentication failed"),
    ] {
        server.set(mode);
        let answer = ask(&db).await;
        let found = answer.health().reason().unwrap_or_default();
        assert!(answer.status() == Status::Down && found.starts_with(reason), "{mode:?}: {answer}");
        assert!(!found.contains("clerk") && !found.contains("shop"), "{found}");
        server.set(Mode::Answers);
        until(async || ask(&db).await.status() == Status::Up).await;
    }
}

#[tokio::test]
async fn wrong_credentials_are_not_told() {
    let server = Mongo::start(Role::Standalone).await;
    let uri =
        format!("mongodb://clerk:secret@127.0.0.1:{}/?authMechanism=SCRAM-SHA-256", server.port);
    let db = watch(&Client::with_uri_str(uri).await.unwrap());
    for _ in 0..3 {
        assert_reason(&ask(&db).await, "authentication failed");
    }
}

#[tokio::test]
async fn a_secondary_is_read_only() {
    let server = Mongo::start(Role::Secondary).await;
    for (query, writable, reason) in [
        ("?replicaSet=shop", true, Some("read only")),
        ("?replicaSet=shop", false, Some("timed out after 1s while waiting for a primary")),
        ("?replicaSet=shop&readPreference=secondary", false, None),
        ("?directConnection=true", true, Some("read only")),
        ("?directConnection=true", false, None),
    ] {
        let db = check("db", &client(server.port, query).await);
        let db = if writable { db.writable() } else { db };
        let answer = ask(&management(db.timeout(DEADLINE))).await;
        assert_eq!(answer.health().reason(), reason, "{query}: {answer}");
    }
    let primary = Mongo::start(Role::Primary).await;
    let client = client(primary.port, "?replicaSet=shop&readPreference=secondary").await;
    let answer = ask(&management(check("db", &client).writable().timeout(DEADLINE))).await;
    assert_eq!(answer.status(), Status::Up, "{answer}");
    let answer = ask(&watch(&client)).await;
    assert_reason(&answer, "timed out after 1s while waiting for a secondary");
}

#[tokio::test]
async fn what_is_no_mongodb_is_down() {
    let server = Mongo::start(Role::Standalone).await;
    server.set(Mode::Babbles);
    let db = watch(&client(server.port, "?serverSelectionTimeoutMS=300").await);
    assert_reason(&ask(&db).await, "the answer is not that of MongoDB");
}

#[tokio::test]
async fn a_half_open_connection_is_replaced() {
    let server = Mongo::start(Role::Standalone).await;
    let proxy = Proxy::start(server.port).await;
    let db = watch(&client(proxy.port, "").await);
    assert_eq!(ask(&db).await.status(), Status::Up);
    proxy.freeze();
    assert_reason(&ask(&db).await, "timed out after 1s while waiting for an answer");
    until(async || ask(&db).await.status() == Status::Up).await;
}

#[tokio::test]
async fn all_that_ask_at_once_are_answered_in_time() {
    let mut server = Mongo::start(Role::Standalone).await;
    let client = client(server.port, "").await;
    assert_eq!(ping(&client).await.status(), Status::Up);
    let begun = Instant::now();
    let asking = join_all((0..50).map(|_| ping(&client)));
    let (healths, ()) = tokio::join!(asking, server.stop());
    let elapsed = begun.elapsed();
    assert!(elapsed < Duration::from_secs(6), "{elapsed:?}");
    for health in healths {
        assert!(health.status() == Status::Up || health.reason().is_some(), "{health:?}");
    }
}

async fn client(port: u16, query: &str) -> Client {
    Client::with_uri_str(format!("mongodb://127.0.0.1:{port}/{query}")).await.unwrap()
}

fn watch(client: &Client) -> Management {
    management(check("db", client).timeout(DEADLINE))
}

fn management(db: Check) -> Management {
    Management::builder().check(db.ttl(Duration::ZERO)).build().unwrap()
}

/// The answer, which comes within the deadline.
async fn ask(management: &Management) -> Component {
    let begun = Instant::now();
    let db = management.check("db").await.unwrap();
    let elapsed = begun.elapsed();
    eprintln!("{elapsed:?}: {db}");
    assert!(elapsed < DEADLINE + Duration::from_secs(2), "{elapsed:?}: {db}");
    db
}

#[track_caller]
fn assert_reason(db: &Component, reason: &str) {
    assert_eq!((db.status(), db.health().reason()), (Status::Down, Some(reason)));
}

/// Waits until something is so.
async fn until(is_so: impl AsyncFn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_so().await {
        assert!(Instant::now() < until, "it is never so");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
