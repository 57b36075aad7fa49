//! What the watchdog reports of a stall, and when it ends.

use std::time::{Duration, Instant};

use management_axum::{ShowDetails, Status};
use serde_json::{Value, json};

use crate::application::{Application, Stall, runtime};
use crate::prober::fetch;
use crate::{LINES, alone, lines_with, wait_for};

fn json(answer: &(u16, String)) -> Value {
    serde_json::from_str(&answer.1).unwrap()
}

#[test]
fn a_stall_degrades_health_and_is_logged_twice() {
    let _alone = alone();
    let application = Application::start(2, |builder| {
        builder.stall_limit(Duration::ZERO).show_details(ShowDetails::always())
    });
    let ask = |path: &str| fetch(application.management_address, path);
    assert_eq!(ask("/z/health"), (200, r#"{"status":"UP","components":{}}"#.into()));
    let runtime = json(&ask("/z/health/runtime"));
    assert_eq!((&runtime["status"], &runtime["details"]), (&json!("UP"), &json!({"lagMs": 0})));
    application.stall(Stall::Sleep);
    LINES.take();
    let stalled = wait_for("DEGRADED", || {
        let health = json(&ask("/z/health"));
        (health["status"] == "DEGRADED").then_some(health)
    });
    let runtime = &stalled["components"]["runtime"];
    assert_eq!(runtime["status"], "DEGRADED");
    assert!(runtime["details"]["lagMs"].as_u64().unwrap() >= 1_000, "{runtime}");
    assert_eq!(runtime["details"]["error"], "no task has run for 1s");
    assert_eq!(json(&ask("/z/health/runtime"))["status"], "DEGRADED");
    // Without a limit, no restart, and traffic as long as checks are well.
    assert_eq!(ask("/z/health/liveness"), (200, r#"{"status":"UP"}"#.into()));
    assert_eq!(ask("/z/health/readiness"), (200, r#"{"status":"UP"}"#.into()));
    assert_eq!(json(&ask("/z/health?exclude=runtime"))["status"], "UP");
    // The router on the stalled runtime cannot answer, but what it would answer is the same.
    let report = crate::application::runtime(0).block_on(application.management.health());
    assert_eq!(report.status(), Status::Degraded);
    assert!(!report.component("runtime").unwrap().is_critical());

    application.recover();
    let recovered = Instant::now();
    wait_for("UP", || (json(&ask("/z/health"))["status"] == "UP").then_some(()));
    assert!(recovered.elapsed() < Duration::from_secs(2));
    let lines = lines_with("the runtime ", 2);
    let [begins, ends] = &lines[..] else { panic!("{lines:#?}") };
    assert!(begins.starts_with("WARN the runtime is stalled: no task has run for 1s"), "{begins}");
    assert!(ends.starts_with("INFO the runtime runs tasks again, after a stall of "), "{ends}");
}

#[test]
fn past_the_limit_liveness_and_readiness_are_down() {
    let _alone = alone();
    let application = Application::start(1, |builder| {
        builder.stall_limit(Duration::from_secs(1)).show_details(ShowDetails::always())
    });
    let ask = |path: &str| fetch(application.management_address, path);
    application.stall(Stall::Burn);
    let down = wait_for("DOWN", || {
        Some(ask("/z/health/liveness?verbose")).filter(|answer| answer.0 == 503)
    });
    let runtime = &json(&down)["components"]["runtime"];
    assert_eq!(runtime["status"], "DOWN");
    assert!(runtime["details"]["error"].as_str().unwrap().starts_with("no task has run for "));
    assert!(runtime["details"]["lagMs"].as_u64().unwrap() > 1_000);
    assert_eq!(ask("/z/health/ping").0, 503);
    assert_eq!(ask("/z/health/readiness"), (503, r#"{"status":"DOWN"}"#.into()));
    assert_eq!(ask("/z/health/liveness?exclude=runtime").0, 200);
    // The runtime never fails the whole: liveness decides about restarts.
    let health = ask("/z/health");
    assert_eq!((health.0, json(&health)["status"].as_str()), (200, Some("DEGRADED")));
    application.recover();
    wait_for("UP", || (ask("/z/health/liveness").0 == 200).then_some(()));
    assert_eq!(ask("/z/health/readiness").0, 200);
}

#[test]
fn without_the_thread_there_is_no_watchdog() {
    let management = management_axum::Management::builder().without_registered().build().unwrap();
    assert!(runtime(0).block_on(management.check("runtime")).is_none());
}
