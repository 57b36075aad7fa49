//! Dependencies that readiness asks, and services that need each other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use management_axum::{Check, Dependency, Management, Status};
use serde_json::json;
use support::fetch;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use super::checks::{builder, health, users};
use super::{Connection, PATIENCE, Peer, answer, json as json_answer};

#[tokio::test]
async fn readiness_asks_those_that_it_is_told_to() {
    let peer = Peer::answering(answer("503 No", "", r#"{"status":"DOWN"}"#)).await;
    let management = builder(users(&format!("{}?a=b", peer.url())).readiness())
        .service_dependency("search", users(&peer.url()))
        .probe_budget(PATIENCE)
        .build()
        .unwrap();
    let readiness = management.readiness().await;
    assert_eq!(readiness.status(), Status::Down);
    assert_eq!(readiness.components().len(), 1);
    let lines: Vec<_> =
        peer.requests().iter().map(|head| head.lines().next().unwrap().to_owned()).collect();
    assert_eq!(lines, ["GET /health/readiness?a=b HTTP/1.1"]);
}

/// They ask at two URLs, so each of them counts its own failures.
#[tokio::test]
async fn health_and_readiness_count_apart() {
    let is_up = Arc::new(AtomicBool::new(true));
    let own = Arc::clone(&is_up);
    let peer = Peer::new(move |mut connection: Connection| {
        let is_up = Arc::clone(&own);
        async move {
            loop {
                connection.request().await?;
                let status = if is_up.load(Ordering::SeqCst) { "UP" } else { "DOWN" };
                let body = json!({"status": status}).to_string();
                connection.stream.write_all(&json_answer(body)).await?;
            }
        }
    })
    .await;
    let dependency = users(&peer.url()).readiness().ttl(Duration::ZERO).fail_after(2);
    let management = builder(dependency).probe_budget(PATIENCE).build().unwrap();
    let statuses =
        async || (management.health().await.status(), management.readiness().await.status());
    assert_eq!(statuses().await, (Status::Up, Status::Up));
    is_up.store(false, Ordering::SeqCst);
    assert_eq!(management.health().await.status(), Status::Degraded);
    assert_eq!(statuses().await, (Status::Down, Status::Degraded));
    assert_eq!(statuses().await, (Status::Down, Status::Down));
    is_up.store(true, Ordering::SeqCst);
    assert_eq!(statuses().await, (Status::Up, Status::Up));
}

/// Services that need each other in a circle.
#[tokio::test]
async fn circles_come_to_an_end() {
    let listeners = [
        tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap(),
        tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap(),
    ];
    let addresses = [0, 1].map(|at: usize| listeners[at].local_addr().unwrap().to_string());
    let managements = [1, 0].map(|other: usize| {
        let other = users(&addresses[other]).ttl(Duration::ZERO);
        builder(other).check(Check::new("db", async || ())).build().unwrap()
    });
    let mut results = managements.each_ref().map(Management::subscribe);
    for (listener, management) in listeners.into_iter().zip(&managements) {
        let app: Router = management_axum::router(management);
        tokio::spawn(async move { axum::serve(listener, app).await });
    }
    let body = health(&management_axum::router(&managements[0])).await;
    let up = json!({"status": "UP"});
    assert_eq!(
        body,
        json!({
            "status": "UP",
            "components": {
                "db": up,
                "users": {"status": "UP", "components": {"db": up}},
            },
        })
    );
    let mut names = |at: usize| {
        let mut names = Vec::new();
        while let Ok(result) = results[at].try_recv() {
            names.push(result.name().to_owned());
        }
        names.sort();
        names
    };
    assert_eq!(names(0), ["db", "users"]);
    assert_eq!(names(1), ["db"], "the other one asks nobody for us");
}

/// A gateway that strips headers, for instance. Its request counts as that of a prober, and waits for the answer that
/// waits for it.
#[tokio::test]
async fn a_circle_through_a_service_that_drops_the_header_is_broken_by_readiness_alone() {
    for (path, status) in [("/z/health", "DOWN"), ("/z/health/readiness", "UP")] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let other = Peer::new(move |mut connection: Connection| async move {
            connection.request().await?;
            let own = fetch(address, path, "").await;
            connection.stream.write_all(&json_answer(own.body)).await
        });
        let needs = Dependency::new(other.await.url()).timeout(Duration::from_millis(300));
        let management = builder(needs).build().unwrap();
        let app: Router = management_axum::router(&management);
        tokio::spawn(async move { axum::serve(listener, app).await });
        let health = fetch(address, "/z/health", "").await.body;
        assert!(health.starts_with(&format!(r#"{{"status":"{status}""#)), "{path}: {health}");
    }
}
