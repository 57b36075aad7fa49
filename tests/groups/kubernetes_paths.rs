//! `/livez`, `/readyz`, `/startupz` and `/healthz`.

use axum::Router;
use management_axum::endpoint::Endpoint;
use management_axum::{Builder, Management, Route, Status};
use support::Lines;

use crate::{asked, built, config, fixed, is, said};

fn builder() -> Builder {
    Management::builder()
        .without_registered()
        .check(fixed("db", Status::Down))
        .check(fixed("ready", Status::Up).readiness())
        .check(fixed("alive", Status::Unknown).liveness().critical(false))
        .check(fixed("begun", Status::Up).startup())
}

fn app() -> Router {
    built(builder().kubernetes_paths()).1
}

const HEALTHZ: &str = "[+]alive UNKNOWN, not critical: ok\n[+]begun ok\n[-]db failed: reason withheld\n\
                       [+]ready ok\nhealthz check failed\n";

#[tokio::test]
async fn they_are_there_when_asked_for() {
    for path in ["/livez", "/readyz", "/startupz", "/healthz", "/livez/alive", "/healthz/db"] {
        assert_eq!(said(&built(builder()).1, path).await, (404, String::new()), "{path}");
    }
    let paths =
        |builder: Builder| Endpoint::new(&builder.build().unwrap()).paths().collect::<Vec<_>>();
    assert_eq!(paths(builder()).len(), 13);
    let own = paths(builder().kubernetes_paths().prefix("/admin"));
    assert_eq!(own.len(), 21);
    assert_eq!(own[13], ("/livez".to_owned(), Route::Livez));
    assert_eq!(own[20], ("/healthz/{name}".to_owned(), Route::HealthzCheck));
    let given =
        config(r#"{"kubernetes_paths": true, "endpoints": {"healthz": false, "livez": false}}"#);
    let some = paths(builder().config(given).endpoint(Route::ReadyzCheck, false));
    let some: Vec<_> = some[13..].iter().map(|(path, _)| &**path).collect();
    assert_eq!(some, ["/readyz", "/startupz", "/startupz/{name}"]);
}

#[tokio::test]
async fn each_asks_its_question() {
    for prefix in ["", "/", "/z", "/healthz", "/livez/x"] {
        let (management, app) = built(builder().kubernetes_paths().prefix(prefix));
        for path in ["/livez", "/readyz", "/startupz", "/livez/", "/readyz/", "/startupz/"] {
            is(said(&app, path).await, 200, "ok");
        }
        is(said(&app, "/healthz").await, 503, HEALTHZ);
        is(said(&app, "/healthz/").await, 503, HEALTHZ);
        let live = "[+]alive UNKNOWN, not critical: ok\nlivez check passed\n";
        is(said(&app, "/livez?verbose").await, 200, live);
        is(said(&app, "/startupz?verbose").await, 200, "[+]begun ok\nstartupz check passed\n");
        let ready = "[+]alive UNKNOWN, not critical: ok\n[+]ready excluded: ok\n\
                     warn: some health checks cannot be excluded: no matches for \"db\",\"foo\"\n\
                     readyz check passed\n";
        is(said(&app, "/readyz?exclude=ready&exclude=db&exclude=foo&verbose").await, 200, ready);
        management.availability().refusing("maintenance");
        let refusing = "[+]alive UNKNOWN, not critical: ok\n[-]availability failed: reason withheld\n\
                        [+]ready ok\nreadyz check failed\n";
        is(said(&app, "/readyz").await, 503, refusing);
        is(said(&app, "/livez").await, 200, "ok");
        management.availability().broken("a worker panicked");
        assert_eq!(said(&app, "/livez").await.0, 503);
    }
}

#[tokio::test]
async fn a_check_is_where_its_question_is() {
    let app = app();
    for (path, code, text) in [
        ("/livez/alive", 200, "ok"),
        ("/livez/alive?verbose", 200, "[+]alive UNKNOWN: ok\nalive check passed\n"),
        ("/readyz/alive", 503, "[-]alive failed: reason withheld\nalive check failed\n"),
        ("/readyz/ready", 200, "ok"),
        ("/readyz/ready/?verbose", 200, "[+]ready ok\nready check passed\n"),
        ("/startupz/begun", 200, "ok"),
        // It has succeeded, and is where it was.
        ("/readyz/begun", 200, "ok"),
        ("/healthz/db", 503, "[-]db failed: reason withheld\ndb check failed\n"),
        ("/healthz/%64b", 503, "[-]db failed: reason withheld\ndb check failed\n"),
        ("/readyz/availability", 200, "ok"),
        ("/healthz/availability?verbose", 200, "[+]availability ok\navailability check passed\n"),
        ("/livez/availability", 200, "ok"),
    ] {
        is(said(&app, path).await, code, text);
    }
    for path in [
        "/livez/ready",
        "/livez/db",
        "/readyz/db",
        "/startupz/alive",
        "/startupz/availability",
        "/healthz/nobody",
        "/healthz/liveness",
        "/healthz/%FF",
    ] {
        let answer = asked(&app, path, &[]).await;
        assert_eq!(answer.status.as_u16(), 404, "{path}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{path}");
    }
}

#[tokio::test]
async fn they_are_text_unless_json_is_wanted_more() {
    let app = app();
    for accept in ["*/*", "text/plain", "application/json, */*", "text/html,*/*;q=0.8", "x", ""] {
        let answer = asked(&app, "/readyz", &[("accept", accept)]).await;
        assert_eq!((answer.status.as_u16(), &*answer.body), (200, "ok"), "{accept}");
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"), "{accept}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{accept}");
        assert_eq!(answer.header("vary"), Some("Accept"), "{accept}");
    }
    for (path, code, body) in [
        // What is not critical degrades the whole.
        ("/livez", 200, r#"{"status":"DEGRADED"}"#),
        ("/healthz/db", 503, r#"{"status":"DOWN"}"#),
        ("/startupz?verbose", 200, r#"{"status":"UP","components":{"begun":{"status":"UP"}}}"#),
    ] {
        let answer = asked(&app, path, &[("accept", "application/json")]).await;
        assert_eq!((answer.status.as_u16(), &*answer.body), (code, body), "{path}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "{path}");
    }
}

#[tokio::test]
async fn a_probe_that_a_group_changes_is_changed_here_too() {
    let changed = builder().group("readiness", |group| {
        group.include("db").exclude("alive").status_code(Status::Down, 200)
    });
    let (_, app) = built(changed.kubernetes_paths());
    is(said(&app, "/readyz").await, 200, "ok");
    is(said(&app, "/readyz/db?verbose").await, 200, "[+]db DOWN: ok\ndb check passed\n");
    assert_eq!(said(&app, "/readyz/alive").await.0, 404);
}

#[tokio::test]
async fn on_behalf_of_another_service_no_dependency_is_asked() {
    let builder = builder().kubernetes_paths().service_dependency("users", "127.0.0.1:1");
    let (_, app) = built(builder);
    let cascade = [("management-cascade", "1")];
    assert_eq!(asked(&app, "/healthz", &cascade).await.body, HEALTHZ);
    assert_eq!(asked(&app, "/healthz/users", &cascade).await.status.as_u16(), 404);
    assert_eq!(said(&app, "/readyz/users").await.0, 404);
    let users = "[-]users failed: reason withheld\nusers check failed\n";
    is(said(&app, "/healthz/users").await, 503, users);
}

#[tokio::test]
async fn a_nest_moves_all_paths() {
    let builder = builder().kubernetes_paths().service_dependency("users", "127.0.0.1:1");
    let (_, app) = built(builder);
    let nested = Router::new().nest("/v1", Router::new().nest("/api", app));
    for path in ["/livez", "/readyz/", "/z/health/liveness", "/z/version"] {
        assert_eq!(said(&nested, &format!("/v1/api{path}")).await.0, 200, "{path}");
        assert_eq!(said(&nested, path).await.0, 404, "{path}");
    }
    // The log tells the path that is asked.
    let lines = Lines::default();
    let _guard = lines.capture();
    asked(&nested, "/v1/api/z/health", &[("user-agent", "kube-probe/1.37")]).await;
    let advice = lines.take().into_iter().find(|line| line.contains("kube-probe"));
    let advice = advice.expect("a warning");
    assert!(advice.starts_with("WARN kube-probe/1.37 probes /v1/api/z/health, "), "{advice}");
    assert!(advice.ends_with(": probe /v1/api/z/health/readiness instead"), "{advice}");
}

#[tokio::test]
async fn a_prober_of_everything_is_told_what_to_ask_instead() {
    let builder = builder().kubernetes_paths().service_dependency("users", "127.0.0.1:1");
    let (_, app) = built(builder);
    let lines = Lines::default();
    let _guard = lines.capture();
    asked(&app, "/healthz/", &[("user-agent", "kube-probe/1.37")]).await;
    let advice = lines.take().into_iter().find(|line| line.contains("kube-probe"));
    let advice = advice.expect("a warning");
    assert!(advice.starts_with("WARN kube-probe/1.37 probes /healthz, "), "{advice}");
    assert!(advice.ends_with(": probe /readyz instead"), "{advice}");
}
