//! A dependency is a check like any other.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use management_axum::{
    Builder, Check, CheckKind, Config, Dependency, Health, Management, ShowDetails, Status,
};
use serde_json::{Value, json};
use support::{Lines, get};
use tokio::io::AsyncWriteExt;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::{Connection, PATIENCE, Peer, answer, json as json_answer};

const HOUR: Duration = Duration::from_secs(3600);

pub(super) fn users(url: &str) -> Dependency {
    Dependency::new(url).timeout(PATIENCE)
}

pub(super) fn builder(dependency: Dependency) -> Builder {
    Management::builder().service_dependency("users", dependency).health_budget(PATIENCE)
}

fn with(dependency: Dependency) -> Management {
    builder(dependency).build().unwrap()
}

fn config(text: Value) -> Config {
    serde_json::from_value(text).unwrap()
}

/// Answers each request when it is let, and tells when one has come.
struct Held {
    peer: Peer,
    come: UnboundedReceiver<()>,
    answers: Arc<Semaphore>,
}

impl Held {
    async fn new() -> Self {
        let (sender, come) = unbounded_channel();
        let answers = Arc::new(Semaphore::new(0));
        let own = Arc::clone(&answers);
        let peer = Peer::new(move |mut connection: Connection| {
            let (sender, answers) = (sender.clone(), Arc::clone(&own));
            async move {
                loop {
                    connection.request().await?;
                    sender.send(()).map_err(io::Error::other)?;
                    answers.acquire().await.map_err(io::Error::other)?.forget();
                    connection.stream.write_all(&json_answer(r#"{"status":"UP"}"#)).await?;
                }
            }
        })
        .await;
        Held { peer, come, answers }
    }
}

pub(super) async fn health(app: &Router) -> Value {
    serde_json::from_str(&get(app, "/z/health").await.body).unwrap()
}

#[tokio::test]
async fn many_askers_cost_one_run() {
    let mut held = Held::new().await;
    let management = with(users(&held.peer.url()));
    let askers: Vec<_> = (0..100)
        .map(|_| {
            let management = management.clone();
            tokio::spawn(async move { management.health().await.status() })
        })
        .collect();
    held.come.recv().await.unwrap();
    held.answers.add_permits(1);
    for asker in askers {
        assert_eq!(asker.await.unwrap(), Status::Up);
    }
    assert_eq!(held.peer.requests().len(), 1);
}

#[tokio::test]
async fn a_result_is_served_again_for_its_ttl() {
    let peer = Peer::up().await;
    let management = with(users(&peer.url()).ttl(HOUR));
    for _ in 0..10 {
        assert_eq!(management.health().await.status(), Status::Up);
    }
    assert_eq!(peer.requests().len(), 1);
    let management = with(users(&peer.url()).ttl(Duration::ZERO));
    for _ in 0..10 {
        assert_eq!(management.health().await.status(), Status::Up);
    }
    assert_eq!(peer.requests().len(), 11);
}

#[tokio::test]
async fn with_an_interval_it_is_asked_unasked() {
    let mut held = Held::new().await;
    held.answers.add_permits(Semaphore::MAX_PERMITS / 2);
    let management = with(users(&held.peer.url()).interval(Duration::from_millis(10)));
    for _ in 0..3 {
        held.come.recv().await.unwrap();
    }
    assert_eq!(management.health().await.status(), Status::Up);
    assert_eq!(held.peer.connections(), 1);
}

/// Nothing is asked before somebody asks for it.
#[tokio::test]
async fn without_an_interval_it_is_not_asked_at_the_start() {
    let peer = Peer::up().await;
    let management = with(users(&peer.url()));
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert_eq!(management.liveness().await.status(), Status::Up);
    assert_eq!(management.readiness().await.status(), Status::Up);
    assert_eq!(management.startup().await.status(), Status::Up);
    assert_eq!(peer.connections(), 0);
}

#[tokio::test]
async fn one_that_is_not_critical_degrades() {
    let peer = Peer::answering(json_answer(r#"{"status":"DOWN"}"#)).await;
    for (critical, status, code) in [(true, "DOWN", 503), (false, "DEGRADED", 200)] {
        let app = management_axum::router(&with(users(&peer.url()).critical(critical)));
        let answer = get(&app, "/z/health").await;
        assert_eq!(answer.status, code);
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        let expected = json!({"status": status, "components": {"users": {"status": "DOWN"}}});
        assert_eq!(body, expected);
    }
}

#[tokio::test]
async fn the_last_result_has_to_do_while_a_run_takes_longer_than_the_budget() {
    let held = Held::new().await;
    held.answers.add_permits(1);
    let management = builder(users(&held.peer.url()).ttl(Duration::ZERO).valid_for(HOUR))
        .service_dependency("others", users(&held.peer.url()).ttl(HOUR))
        .health_budget(Duration::from_millis(100))
        .show_details(ShowDetails::always())
        .build()
        .unwrap();
    let first = loop {
        // Under load, even the first may take longer.
        let users = management.check("users").await.unwrap();
        if users.status() == Status::Up {
            break users;
        }
    };
    // Nobody answers from here on.
    let late = management.check("users").await.unwrap();
    assert_eq!((late.status(), late.is_stale()), (Status::Up, true));
    assert_eq!(late.checked_at(), first.checked_at());
    let never = management.check("others").await.unwrap();
    assert_eq!(never.status(), Status::Unknown);
    assert_eq!(never.health().reason(), Some("no result within 100ms"));
}

#[tokio::test]
async fn changes_are_logged_once() {
    let (sender, answers) = std::sync::mpsc::channel();
    let answers = Arc::new(std::sync::Mutex::new(answers));
    let peer = Peer::new(move |mut connection: Connection| {
        let answers = Arc::clone(&answers);
        async move {
            loop {
                connection.request().await?;
                let answer: Vec<u8> = answers.lock().unwrap().recv().map_err(io::Error::other)?;
                connection.stream.write_all(&answer).await?;
            }
        }
    })
    .await;
    let lines = Lines::default();
    let _guard = lines.capture();
    let management = with(users(&peer.url()).ttl(Duration::ZERO));
    lines.take();
    let url = peer.url();
    let (up, down) = (r#"{"status":"UP"}"#, r#"{"status":"DOWN"}"#);
    for (answer, expected) in [
        (json_answer(up), vec![]),
        (
            json_answer(down),
            vec![
                format!("WARN users at {url} UP → DOWN: reports status DOWN"),
                "WARN health UP → DOWN: users: reports status DOWN".into(),
            ],
        ),
        (answer("500 Oh", "", ""), vec![format!("WARN users at {url} still DOWN: answered 500")]),
        (
            json_answer(r#"{"status":"DEGRADED"}"#),
            vec![
                format!("INFO users at {url} DOWN → DEGRADED: reports status DEGRADED"),
                "INFO health DOWN → DEGRADED: users: reports status DEGRADED".into(),
            ],
        ),
        (
            json_answer(up),
            vec![format!("INFO users at {url} DEGRADED → UP"), "INFO health DEGRADED → UP".into()],
        ),
    ] {
        sender.send(answer).unwrap();
        management.health().await;
        assert_eq!(lines.take(), expected);
    }
}

#[tokio::test]
async fn it_is_listed_and_answers_alone() {
    let body = r#"{"status":"UP","components":{"db":{"status":"UP","details":{"a":1}}}}"#;
    let peer = Peer::answering(json_answer(body)).await;
    let management = builder(users(&peer.url()).critical(false)).build().unwrap();
    let checks = management.checks();
    let [info] = &checks[..] else { panic!("{checks:?}") };
    assert_eq!((&*info.name, info.kind, info.critical), ("users", CheckKind::Dependency, false));
    assert_eq!((info.file, info.crate_name), (file!(), None));

    let answer = get(&management_axum::router(&management), "/z/health/users").await;
    let alone: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(alone, json!({"status": "UP", "components": {"db": {"status": "UP"}}}));
    let report = management.health().await;
    assert_eq!(report.components()[0].kind(), CheckKind::Dependency);

    let shown = builder(users(&peer.url())).show_details(ShowDetails::always()).build().unwrap();
    let answer = get(&management_axum::router(&shown), "/z/health/users").await;
    let alone: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(alone["components"]["db"], json!({"status": "UP", "details": {"a": 1}}));
    assert_eq!(alone["details"], json!({"url": peer.url()}));
}

#[tokio::test]
async fn subscribers_get_its_results() {
    let peer = Peer::up().await;
    let management = with(users(&peer.url()));
    let mut results = management.subscribe();
    management.health().await;
    let result = results.recv().await.unwrap();
    assert_eq!((result.name(), result.status()), ("users", Status::Up));
}

#[tokio::test]
async fn it_can_be_replaced_in_tests() {
    let peer = Peer::up().await;
    let management = builder(users(&peer.url()).critical(false))
        .replace(Check::new("users", async || Health::down("as the test wants")))
        .show_details(ShowDetails::always())
        .build()
        .unwrap();
    let info = management.checks().remove(0);
    assert_eq!((info.kind, info.critical), (CheckKind::Dependency, false));
    let body = health(&management_axum::router(&management)).await;
    assert_eq!(body["status"], "DEGRADED");
    let users = &body["components"]["users"];
    assert_eq!(users["details"], json!({"error": "as the test wants"}), "no URL was asked");
    assert_eq!(peer.connections(), 0);
}

#[tokio::test]
async fn checks_of_the_configuration_change_it() {
    let held = Held::new().await;
    let (url, text) = (held.peer.url(), |text: Value| config(json!({"checks": {"users": text}})));
    let changed = builder(users(&url)).config(text(json!({"timeout": "50ms", "critical": false})));
    let report = changed.build().unwrap().health().await;
    assert_eq!(report.status(), Status::Degraded);
    let users_now = &report.components()[0];
    assert_eq!(users_now.health().reason(), Some("timed out after 50ms"));
    assert_eq!((users_now.is_critical(), users_now.status()), (false, Status::Down));
    assert_eq!(held.peer.connections(), 1);

    let disabled = builder(users(&url)).config(text(json!({"enabled": false}))).build().unwrap();
    assert_eq!(disabled.checks().len(), 0);
    assert_eq!(disabled.health().await.status(), Status::Up);
    let app = management_axum::router(&disabled);
    assert_eq!(get(&app, "/z/health/users").await.status, 404);
    assert_eq!(held.peer.connections(), 1);
}

#[tokio::test]
async fn configuration_gives_dependencies() {
    let peer = Peer::up().await;
    let given = config(json!({
        "timeout": "30s",
        "health_budget": "30s",
        "service_dependencies": {
            "users": peer.url(),
            "search": {"url": peer.url(), "critical": false, "headers": {"x-own": "a"}},
        },
    }));
    let management = Management::builder().config(given).build().unwrap();
    assert_eq!(management.health().await.status(), Status::Up);
    let kinds: Vec<_> =
        management.checks().into_iter().map(|check| (check.name, check.critical)).collect();
    assert_eq!(kinds, [("search".into(), false), ("users".into(), true)]);
    let with_header = peer.requests().iter().filter(|head| head.contains("x-own: a\r\n")).count();
    assert_eq!(with_header, 1);
}

#[tokio::test]
async fn it_is_asked_under_the_own_prefix_where_it_has_no_path() {
    let peer = Peer::up().await;
    for (prefix, asked) in [("/admin", "/admin/health"), ("", "/health")] {
        let management = builder(users(&peer.address.to_string())).prefix(prefix).build().unwrap();
        assert_eq!(management.health().await.status(), Status::Up);
        let head = peer.requests().pop().unwrap();
        assert!(head.starts_with(&format!("GET {asked} HTTP/1.1\r\n")), "{head}");
    }
}

#[test]
fn names_that_cannot_be() {
    let refused = |builder: Builder| builder.build().unwrap_err();
    let error = refused(builder(users("not a url at all"))).to_string();
    assert!(error.contains("\"not a url at all\" is not a URL: it contains a space"), "{error}");
    let error = refused(builder(users("h")).check(Check::new("users", async || ())));
    assert!(error.is_name_taken(), "{error}");
    let said = error.to_string();
    assert!(said.contains("the service dependency `users` from "), "{said}");
    assert_eq!(said.matches("tests/dependencies/checks.rs:").count(), 2, "both places: {said}");

    let error = refused(builder(users("h")).service_dependency("users", "other"));
    assert!(error.is_name_taken(), "{error}");
    let said = error.to_string();
    assert!(said.contains("two service dependencies are named `users`"), "{said}");
    assert_eq!(said.matches("tests/dependencies/checks.rs:").count(), 2, "both places: {said}");

    let given = config(json!({"service_dependencies": {"users": "h"}}));
    let error =
        refused(Management::builder().config(given).check(Check::new("users", async || ())));
    assert!(error.to_string().contains("`service_dependencies`"), "{error}");

    for name in ["", "a/b", "liveness", "ping", "a\nb"] {
        let error = refused(Management::builder().service_dependency(name, "h"));
        assert!(error.to_string().contains("name"), "{error}");
    }
    let management = with(users("h"));
    let error = management.register(Check::new("users", async || ())).unwrap_err();
    assert!(error.is_name_taken(), "{error}");
}

#[test]
fn one_that_cannot_be_asked_is_told_once() {
    let text =
        json!({"service_dependencies": {"users": "h:99999"}, "checks": {"users": {"ttl": "1s"}}});
    let error = Management::builder().config(config(text)).require(["users"]).build().unwrap_err();
    assert_eq!(error.mistakes().len(), 1, "{error}");
}
