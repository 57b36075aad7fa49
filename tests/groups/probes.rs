//! What a group may change in a probe: one thing, and nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use management_axum::{Builder, Check, Group, Health, Management, ShowDetails, Status};

use crate::{built, config, counted, fixed, is, said};

const UP: &str = r#"{"status":"UP"}"#;

/// One check of each kind, of which the one for `/health` alone is down.
fn probed(name: &str, change: impl FnOnce(Group) -> Group) -> (Management, Router) {
    built(
        Management::builder()
            .without_registered()
            .check(fixed("broken", Status::Down))
            .check(fixed("ready", Status::Up).readiness())
            .check(fixed("alive", Status::Up).liveness())
            .check(fixed("begun", Status::Up).startup())
            .group(name, change),
    )
}

async fn names(app: &Router, probe: &str) -> Vec<String> {
    let (_, body) = said(app, &format!("/z/health/{probe}?verbose")).await;
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    body["components"].as_object().unwrap().keys().cloned().collect()
}

#[tokio::test]
async fn members_are_added_and_taken_away() {
    for (probe, own) in [
        ("readiness", &["alive", "begun", "ready"][..]),
        ("liveness", &["alive"]),
        ("startup", &["begun"]),
    ] {
        let (management, app) = probed(probe, |group| group);
        assert_eq!(names(&app, probe).await, own, "{probe}");
        is(said(&app, &format!("/z/health/{probe}")).await, 200, UP);
        assert!(management.checks().iter().all(|check| check.groups.is_empty()));

        let (_, app) = probed(probe, |group| group.exclude(own[0]).optional("nobody"));
        let left: Vec<_> = own[1..].iter().filter(|name| **name != "begun").copied().collect();
        said(&app, &format!("/z/health/{probe}")).await;
        assert_eq!(names(&app, probe).await, left, "{probe}");

        if probe == "startup" {
            continue;
        }
        let (_, app) = probed(probe, |group| group.include("broken"));
        assert_eq!(said(&app, &format!("/z/health/{probe}")).await.0, 503, "{probe}");
        let mut all = own.to_vec();
        all.push("broken");
        all.sort_unstable();
        all.retain(|name| *name != "begun");
        assert_eq!(names(&app, probe).await, all, "{probe}");
        for other in ["readiness", "liveness", "startup"] {
            let code = if other == probe { 503 } else { 200 };
            assert_eq!(said(&app, &format!("/z/health/{other}")).await.0, code, "{probe} {other}");
        }
        // No group of the service's own.
        assert!(!said(&app, "/z/health").await.1.contains("groups"));
    }
}

/// A check that may fail again would stop what has started.
#[tokio::test]
async fn startup_has_startup_checks_alone() {
    for (named, told) in [("begun", None), ("ready", Some("which is not a startup check"))] {
        let refused = |change: fn(Group, &str) -> Group| {
            let begun = fixed("begun", Status::Up).startup();
            let ready = fixed("ready", Status::Up).readiness();
            let builder = Management::builder().without_registered().check(begun).check(ready);
            builder.group("startup", |group| change(group, named)).build().err()
        };
        for change in
            [(|group, name| group.include(name)) as fn(Group, &str) -> Group, |group, name| {
                group.optional(name)
            }]
        {
            let error = refused(change).map(|error| error.to_string());
            match told {
                Some(told) => {
                    assert!(error.as_ref().is_some_and(|error| error.contains(told)), "{error:?}");
                }
                None => assert_eq!(error, None),
            }
        }
    }
    let (management, app) = probed("startup", |group| group.optional("late"));
    management.register(fixed("late", Status::Down)).unwrap();
    is(said(&app, "/z/health/startup").await, 200, UP);
}

#[tokio::test]
async fn codes_alone_are_changed() {
    let with = |status, set: fn(Group) -> Group| {
        let check = fixed("check", status).liveness();
        let builder = Management::builder().without_registered().check(check);
        built(builder.group("liveness", set)).1
    };
    for (status, set, liveness, readiness) in [
        (Status::Degraded, (|group| group) as fn(Group) -> Group, 200, 200),
        (Status::Degraded, |group| group.status_code(Status::Degraded, 503), 503, 200),
        (Status::Unknown, |group| group.status_code(Status::Degraded, 503), 200, 503),
        (Status::Unknown, |group| group.status_code(Status::Unknown, 503), 503, 503),
        (Status::Down, |group| group.status_code(Status::Unknown, 503), 503, 503),
        (Status::Down, |group| group.status_code(Status::Down, 200), 200, 503),
    ] {
        let app = with(status, set);
        // Twice, since answers are kept.
        for _ in 0..2 {
            let body = format!(r#"{{"status":"{status}"}}"#);
            is(said(&app, "/z/health/liveness").await, liveness, &body);
            is(said(&app, "/z/health/readiness").await, readiness, &body);
            assert_eq!(said(&app, "/z/health").await.0, readiness);
        }
    }
    let builder = Management::builder().status_code(Status::Unknown, 200);
    let builder = builder.check(fixed("check", Status::Unknown).readiness());
    let (_, app) =
        built(builder.group("readiness", |group| group.status_code(Status::Degraded, 503)));
    assert_eq!(said(&app, "/z/health/readiness").await.0, 200, "what the builder says still holds");
}

#[tokio::test]
async fn details_alone_are_changed() {
    let check = || Check::new("db", async || Health::down("refused")).readiness();
    let with = |builder: Builder| built(builder.without_registered().check(check())).1;
    let app = with(
        Management::builder().group("readiness", |group| group.show_details(ShowDetails::always())),
    );
    for _ in 0..2 {
        is(said(&app, "/z/health/readiness").await, 503, r#"{"status":"DOWN"}"#);
        let (code, body) = said(&app, "/z/health/readiness?verbose").await;
        assert!(code == 503 && body.contains(r#""error":"refused""#), "{body}");
        for path in ["/z/health", "/z/health/db", "/z/health/liveness?verbose", "/z/health?verbose"]
        {
            let (_, body) = said(&app, path).await;
            assert!(!body.contains("refused"), "{path}: {body}");
        }
    }
    let app = with(
        Management::builder()
            .show_details(ShowDetails::always())
            .config(config(r#"{"groups": {"readiness": {"show_details": "never"}}}"#)),
    );
    let (_, body) = said(&app, "/z/health/readiness?verbose").await;
    assert_eq!(body, r#"{"status":"DOWN","components":{"db":{"status":"DOWN"}}}"#);
    assert!(said(&app, "/z/health").await.1.contains("refused"));
}

#[tokio::test]
async fn availability_is_not_changed_unless_it_is_named() {
    let (management, app) = probed("readiness", |group| group.exclude("alive"));
    management.availability().refusing("maintenance");
    assert_eq!(said(&app, "/z/health/readiness").await.0, 503);
    let (management, app) = probed("liveness", |group| group.include("ready"));
    management.availability().refusing("maintenance");
    is(said(&app, "/z/health/liveness").await, 200, UP);
    management.availability().broken("a worker panicked");
    assert_eq!(said(&app, "/z/health/liveness").await.0, 503);
    let (management, app) = probed("readiness", |group| group.exclude("availability"));
    management.availability().refusing("maintenance");
    is(said(&app, "/z/health/readiness").await, 200, UP);
}

/// A check that a probe reads is run once at start, whatever its kind, and others are not.
#[tokio::test(start_paused = true)]
async fn what_a_probe_includes_is_run_at_start() {
    let (included, excluded, grouped) = (
        Arc::new(AtomicUsize::new(0)),
        Arc::new(AtomicUsize::new(0)),
        Arc::new(AtomicUsize::new(0)),
    );
    let (_, _app) = built(
        Management::builder()
            .without_registered()
            .check(counted("included", &included, Duration::ZERO))
            .check(counted("excluded", &excluded, Duration::ZERO).readiness())
            .check(counted("grouped", &grouped, Duration::ZERO).groups(["payments"]))
            .group("readiness", |group| group.include("included").exclude("excluded")),
    );
    tokio::time::sleep(Duration::from_secs(60)).await;
    let runs = [&included, &excluded, &grouped].map(|runs| runs.load(Ordering::SeqCst));
    assert_eq!(runs, [1, 0, 0]);
}
