//! Each path, and the shape of `/health`.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use management_axum::{Check, Status};
use serde_json::json;
use support::{Peer, Program, answer, get};

use super::{DOWN, UP, app, builder, fixed, parsed, said};

#[tokio::test]
async fn info_is_200_with_app_and_trace_attributes() {
    let app = app(builder().name("shop"));
    let answer = get(&app, "/z/info").await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("content-type")),
        (200, Some("application/json"))
    );
    let info = parsed(&answer);
    assert_eq!(info["app"]["name"], "shop");
    assert!(info["trace.attributes"].is_object(), "{info}");
}

#[tokio::test]
async fn health_calls_dependencies_and_runs_all_checks_and_reports_each_by_name() {
    let users = Peer::up().await;
    let app = app(builder()
        .service_dependency("users_api", users.address.to_string())
        .check(fixed("db", Status::Up))
        .check(fixed("cache", Status::Up).readiness()));
    let answer = get(&app, "/z/health").await;
    assert_eq!(answer.status, 200);
    let up = json!({"status": "UP"});
    let components = json!({"cache": up, "db": up, "users_api": up});
    assert_eq!(parsed(&answer), json!({"components": components, "status": "UP"}));
    assert_eq!(users.targets(), ["GET /z/health"]);
}

#[tokio::test]
async fn health_is_503_where_anything_is_not_up() {
    let (up, down) = (Peer::up().await, Peer::json(DOWN).await);
    let with = |peer: &Peer, health, readiness| {
        app(builder()
            .service_dependency("users_api", peer.address.to_string())
            .check(fixed("db", health))
            .check(fixed("cache", readiness).readiness()))
    };
    let (well, ill) = (Status::Up, Status::Down);
    for (app, code) in [
        (with(&up, well, well), 200),
        (with(&down, well, well), 503),
        (with(&up, ill, well), 503),
        (with(&up, well, ill), 503),
    ] {
        let answer = get(&app, "/z/health").await;
        assert_eq!(answer.status, code, "{}", answer.body);
        assert_eq!(parsed(&answer)["status"], if code == 200 { "UP" } else { "DOWN" });
    }
}

#[tokio::test]
async fn liveness_is_up_without_running_anything() {
    let users = Peer::up().await;
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&runs);
    let counted = Check::new("counted", move || {
        counter.fetch_add(1, Ordering::SeqCst);
        std::future::ready(false)
    });
    let app = app(builder()
        .service_dependency("users_api", users.address.to_string())
        .check(counted)
        .check(Check::new("hanging", async || pending::<()>().await).readiness()));
    assert_eq!(said(&get(&app, "/z/health/liveness").await), (200, UP));
    assert_eq!((runs.load(Ordering::SeqCst), users.asked().len()), (0, 0));
}

#[tokio::test]
async fn ping_is_an_alias_of_liveness() {
    let app = app(builder().check(fixed("db", Status::Down)));
    assert_eq!(said(&get(&app, "/z/health/ping").await), (200, UP));
}

#[tokio::test]
async fn readiness_runs_readiness_checks_alone_and_calls_no_dependency() {
    let users = Peer::json(DOWN).await;
    let runs = Arc::new(AtomicUsize::new(0));
    let with = |status| {
        let counter = Arc::clone(&runs);
        let counted = Check::new("counted", move || {
            counter.fetch_add(1, Ordering::SeqCst);
            std::future::ready(false)
        });
        app(builder()
            .service_dependency("users_api", users.address.to_string())
            .check(counted)
            .check(fixed("cache", status).readiness()))
    };
    assert_eq!(said(&get(&with(Status::Up), "/z/health/readiness").await), (200, UP));
    assert_eq!(said(&get(&with(Status::Down), "/z/health/readiness").await), (503, DOWN));
    assert_eq!((runs.load(Ordering::SeqCst), users.asked().len()), (0, 0));
}

#[tokio::test]
async fn any_other_name_is_404() {
    let app = app(builder().check(fixed("db", Status::Up)));
    for name in ["nobody", "Liveness", "live", "healthz", "DB"] {
        assert_eq!(get(&app, &format!("/z/health/{name}")).await.status, 404, "{name}");
    }
}

#[tokio::test]
async fn a_name_over_128_characters_is_404() {
    let longest = "n".repeat(128);
    let app = app(builder().check(fixed(&longest, Status::Up)));
    assert_eq!(said(&get(&app, &format!("/z/health/{longest}")).await), (200, UP));
    for length in [129, 1_000, 50_000] {
        let answer = get(&app, &format!("/z/health/{}", "n".repeat(length))).await;
        assert_eq!(answer.status, 404, "{length}");
        assert!(!answer.body.contains("nnn"), "it is not echoed: {}", answer.body);
    }
    assert!(builder().check(fixed(&"n".repeat(129), Status::Up)).build().is_err());
}

#[tokio::test]
async fn version_is_the_variable_as_text() {
    let version = Program::answer("/z/version").env("VERSION", "1.2.3").line().await;
    assert_eq!(version, "200 1.2.3");
}

#[tokio::test]
async fn version_is_unknown_where_the_variable_is_unset_or_empty() {
    assert_eq!(Program::answer("/z/version").line().await, "200 unknown");
    let version = Program::answer("/z/version").env("VERSION", "").line().await;
    assert_eq!(version, "200 unknown");
}

#[tokio::test]
async fn a_function_overrides_body_and_status_of_version() {
    let told = app(builder().version_provider(async || "7.0"));
    assert_eq!(said(&get(&told, "/z/version").await), (200, "7.0"));
    let failing = app(builder().version_provider(async || Err::<String, _>("no tag")));
    assert_eq!(said(&get(&failing, "/z/version").await), (503, "unknown"));
}

#[tokio::test]
async fn health_has_the_shape_of_the_documentation() {
    let users = Peer::json(r#"{"status":"UP","components":{"disk":{"status":"UP"}}}"#).await;
    let app = app(builder()
        .service_dependency("users_api", users.address.to_string())
        .check(fixed("db", Status::Up)));
    let up = json!({"status": "UP"});
    assert_eq!(
        parsed(&get(&app, "/z/health").await),
        json!({
            "components": {"users_api": {"status": "UP", "components": {"disk": up}}, "db": up},
            "status": "UP",
        })
    );
}

#[tokio::test]
async fn components_are_present_even_when_there_are_none() {
    let answer = get(&app(builder()), "/z/health").await;
    assert_eq!(said(&answer), (200, r#"{"status":"UP","components":{}}"#));
}

#[tokio::test]
async fn a_dependencys_body_is_merged_and_its_status_is_our_verdict() {
    let body = r#"{"status":"STARTING","components":{"disk":{"status":"UP"}}}"#;
    let contradicting = r#"{"status":"UP","components":{"disk":{"status":"UP"}}}"#;
    for peer in [
        Peer::json(body).await,
        // Its code says one thing, and its body another.
        Peer::saying(answer(500, "application/json", contradicting)).await,
    ] {
        let app = app(builder().service_dependency("users_api", peer.address.to_string()));
        let answer = get(&app, "/z/health").await;
        assert_eq!(answer.status, 503);
        assert_eq!(
            parsed(&answer)["components"]["users_api"],
            json!({"status": "DOWN", "components": {"disk": {"status": "UP"}}})
        );
    }
}
