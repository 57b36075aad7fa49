//! What a client gets, and what the access log shows of it.

use axum::Router;
use management_axum::{Builder, Status};
use support::{Printed, fetch, get};
use tokio::net::TcpListener;
use tracing::Level;

use crate::migration::{UP, app, builder, fixed, said};

// `/version` is HTML, and caches may keep answers.

#[tokio::test]
async fn version_is_plain_text_whatever_markup_is_in_it() {
    let markup = "<script>alert(1)</script>";
    let app = app(builder().version_provider(move || async move { markup }));
    let answer = get(&app, "/z/version").await;
    assert_eq!(said(&answer), (200, markup));
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
}

#[tokio::test]
async fn no_answer_may_be_kept_by_a_cache() {
    let app = app(builder().check(fixed("db", Status::Down)));
    for path in [
        "/z/health",
        "/z/health/liveness",
        "/z/health/ping",
        "/z/health/readiness",
        "/z/health/startup",
        "/z/health/db",
        "/z/health/nobody",
        "/z/info",
        "/z/version",
    ] {
        assert_eq!(get(&app, path).await.header("cache-control"), Some("no-store"), "{path}");
    }
}

// `no_log` never hides anything.

#[tokio::test]
async fn the_access_log_hides_probes_over_a_socket() {
    let printed = Printed::default();
    let _guard = printed.capture(Level::INFO);
    let app: Router = app(builder()).layer(management_axum::access_log());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    assert_eq!(fetch(address, "/z/health/liveness", "").await.status, 200);
    assert_eq!(printed.take(), [""; 0]);
    assert_eq!(fetch(address, "/z/health/nobody", "").await.status, 404);
    assert_eq!(printed.take().len(), 1);
}

// Paths that a proxy's rule on `/z/` does not match are answered.

fn with_a_check() -> Builder {
    builder().check(fixed("db", Status::Up))
}

#[tokio::test]
async fn a_percent_encoded_probe_is_that_probe() {
    let app = app(with_a_check());
    for name in ["%6civeness", "%70ing", "%72eadiness", "db", "%64b"] {
        assert_eq!(said(&get(&app, &format!("/z/health/{name}")).await), (200, UP), "{name}");
    }
}

#[tokio::test]
async fn a_doubled_slash_or_an_encoded_one_is_404() {
    let app = app(with_a_check());
    for path in
        ["//z/health", "/z%2Fhealth", "/z//health", "/z/health%2Fdb", "/z/health%2fliveness"]
    {
        assert_eq!(get(&app, path).await.status, 404, "{path}");
    }
}
