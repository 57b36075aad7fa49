//! Reports and components as JSON and as a line.

use std::time::Duration;

use axum::http::StatusCode;
use management_axum::{Check, Health, Management, ShowDetails, Status, router};
use serde_json::Value;

use support::get;

fn management() -> Management {
    let builder = Management::builder()
        .without_registered()
        .show_details(ShowDetails::always())
        // One run each, so that the endpoint and the methods show the same one.
        .ttl(Duration::from_secs(3600));
    builder
        .check(Check::new("cache", async || Health::up().detail("entries", 3)).readiness())
        .check(
            Check::new("db", async || Health::down("timed out").detail("error", "E42")).readiness(),
        )
        .check(Check::new("mail", async || false).critical(false))
        .check(Check::new("zone", async || Status::Degraded))
        .build()
        .unwrap()
}

#[tokio::test]
async fn their_json_is_that_of_the_endpoints() {
    let management = management();
    let app = router(&management);
    for (path, report) in [
        ("/z/health", management.health().await),
        ("/z/health/readiness?verbose", management.readiness().await),
    ] {
        let body = get(&app, path).await.body;
        assert_eq!(serde_json::to_string(&report).unwrap(), body, "{path}");
        let shown: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(shown["components"]["db"]["details"]["reason"], "timed out");
    }
    for name in ["cache", "db", "mail"] {
        let component = management.check(name).await.unwrap();
        let body = get(&app, &format!("/z/health/{name}")).await.body;
        assert_eq!(serde_json::to_string(&component).unwrap(), body, "{name}");
    }
}

#[tokio::test]
async fn a_line_has_the_worst_first() {
    let management = management();
    let report = management.health().await;
    assert_eq!(
        report.to_string(),
        "DOWN: db DOWN: timed out; mail DOWN (not critical); zone DEGRADED; cache UP"
    );
    let nothing = Management::builder().without_registered().build().unwrap();
    assert_eq!(nothing.health().await.to_string(), "UP");
    nothing.availability().refusing("maintenance");
    assert_eq!(
        nothing.health().await.to_string(),
        "OUT_OF_SERVICE: availability OUT_OF_SERVICE: maintenance"
    );
}

#[tokio::test(start_paused = true)]
async fn a_line_marks_what_is_stale() {
    let mut first = true;
    let runs = std::sync::Mutex::new(move || std::mem::take(&mut first));
    let slow = Check::new("slow", move || {
        let is_first = (runs.lock().unwrap())();
        async move {
            if !is_first {
                std::future::pending::<()>().await;
            }
        }
    });
    let slow = slow.ttl(Duration::ZERO).timeout(Duration::from_secs(10)).readiness();
    let management = Management::builder().without_registered().check(slow).build().unwrap();
    assert_eq!(management.readiness().await.to_string(), "UP: slow UP");
    assert_eq!(management.readiness().await.to_string(), "UP: slow UP (stale)");
}

#[tokio::test]
async fn a_component_is_found_by_its_name() {
    let management = management();
    let report = management.health().await;
    let db = report.component("db").unwrap();
    assert_eq!((db.name(), db.status()), ("db", Status::Down));
    assert!(report.component("d").is_none());
    assert!(management.readiness().await.component("mail").is_none());
}

#[tokio::test]
async fn a_status_code_is_a_number_or_a_constant() {
    for builder in [
        Management::builder().status_code(Status::Up, 503),
        Management::builder().status_code(Status::Up, StatusCode::SERVICE_UNAVAILABLE),
    ] {
        let management = builder.without_registered().build().unwrap();
        assert_eq!(get(&router(&management), "/z/health").await.status, 503);
    }
    for code in [StatusCode::INTERNAL_SERVER_ERROR, StatusCode::CREATED] {
        let error = Management::builder().status_code(Status::Down, code).build().unwrap_err();
        assert!(error.is_invalid());
        let told = format!("answers DOWN with {}: use 200 or 503", code.as_u16());
        assert!(
            error.to_string().contains("`.status_code(…)` at tests/api/reports.rs:"),
            "{error}"
        );
        assert!(error.to_string().contains(&told), "{error}");
    }
}
