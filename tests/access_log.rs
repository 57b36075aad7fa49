//! The access log has a line for each request, and none for a probe that succeeded.

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn, map_response};
use axum::response::Response;
use axum::routing::get as on_get;
use management_axum::{Check, Management, access_log, is_successful_probe};
use support::{Printed, get, send};
use tokio::task::yield_now;
use tokio::time::timeout;
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_http::normalize_path::NormalizePathLayer;
use tower_http::trace::{DefaultOnResponse, OnResponse, TraceLayer};
use tracing::{Level, Span};

/// The line of a request.
fn line(method: &str, path: &str, status: u16) -> String {
    let span = format!("request{{method={method} path={path:?}}}");
    format!("INFO {span}: access_log: answered status={status}")
}

fn management(prefix: &str) -> Management {
    Management::builder()
        .prefix(prefix)
        .check(Check::new("db", async || ()))
        // No run of it ends with its first poll, so that each answer is waited for.
        .check(Check::new("slow", async || yield_now().await).ttl(Duration::ZERO).readiness())
        .build()
        .unwrap()
}

/// The application's own routes, one of them beside ours.
fn host() -> Router {
    Router::new()
        .route("/", on_get(async || "index"))
        .route("/z/other", on_get(async || "of the host"))
        .route("/fails", on_get(async || StatusCode::INTERNAL_SERVER_ERROR))
}

fn merged() -> Router {
    host().merge(management_axum::router(&management("/z")))
}

/// Every way to ask for an endpoint under a prefix.
async fn probe(app: &Router, prefix: &str) {
    let names = ["", "/liveness", "/ping", "/readiness", "/startup", "/db", "/slow", "/%64b"];
    let more = ["/%6civeness", "?verbose", "/readiness?exclude=slow", "/readiness?verbose"];
    let health = names.iter().chain(&more).map(|rest| format!("{prefix}/health{rest}"));
    let all = health.chain(["/info", "/version"].map(|path| format!("{prefix}{path}")));
    for path in all {
        let slash = if path.contains('?') { "" } else { "/" };
        for path in [path.clone(), format!("{path}{slash}")] {
            for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
                let request = Request::builder().method(&method).uri(&path);
                let answer = send(app, request.body(Body::empty()).unwrap()).await;
                assert_eq!(answer.status, 200, "{method} {path}");
            }
        }
    }
}

/// The layer works: the host's requests are logged, failed probes are, and successful ones are not.
async fn is_an_access_log(app: &Router, printed: &Printed, outer: &str) {
    printed.take();
    probe(app, &format!("{outer}/z")).await;
    assert_eq!(printed.take(), [""; 0]);
    get(app, &format!("{outer}/z/other")).await;
    get(app, &format!("{outer}/z/health/nobody")).await;
    assert_eq!(
        printed.take(),
        [
            line("GET", &format!("{outer}/z/other"), 200),
            line("GET", &format!("{outer}/z/health/nobody"), 404)
        ]
    );
}

#[tokio::test]
async fn successful_probes_stay_out() {
    let printed = Printed::default();
    let _guard = printed.capture(Level::TRACE);
    for prefix in ["/z", "/admin", "", "/", "/a/b", "/health"] {
        let app: Router = management_axum::router(&management(prefix));
        let app = app.layer(access_log());
        probe(&app, prefix.trim_end_matches('/')).await;
        assert_eq!(printed.take(), [""; 0], "under {prefix:?}");
        get(&app, "/nowhere").await;
        assert_eq!(printed.take(), [line("GET", "/nowhere", 404)]);
    }
}

#[tokio::test]
async fn successful_probes_under_a_nest_stay_out() {
    let printed = Printed::default();
    let _guard = printed.capture(Level::TRACE);
    let app = Router::new().nest("/outer/{name}", merged()).layer(access_log());
    is_an_access_log(&app, &printed, "/outer/acme").await;
}

#[tokio::test]
async fn failed_probes_stay_in() {
    let printed = Printed::default();
    let management = Management::builder()
        .check(Check::new("db", async || false).readiness())
        .check(Check::new("slow", async || yield_now().await))
        .version_provider(async || Err::<String, _>("no version"))
        .build()
        .unwrap();
    let app = Router::new().merge(management_axum::router(&management)).layer(access_log());
    let _guard = printed.capture(Level::TRACE);
    for _ in 0..2 {
        for path in ["/z/health", "/z/health/readiness/", "/z/health/db", "/z/version"] {
            for method in ["GET", "HEAD", "OPTIONS"] {
                let request = Request::builder().method(method).uri(path);
                let answer = send(&app, request.body(Body::empty()).unwrap()).await;
                assert_eq!(answer.status, 503, "{method} {path}");
                assert_eq!(printed.take(), [line(method, path, 503)]);
            }
        }
    }
    get(&app, "/z/health/liveness").await;
    get(&app, "/z/health/slow").await;
    assert_eq!(printed.take(), [""; 0], "these succeed");
}

#[tokio::test]
async fn what_no_endpoint_answers_with_success_stays_in() {
    let printed = Printed::default();
    let _guard = printed.capture(Level::TRACE);
    let app = merged().layer(access_log());
    printed.take();
    for (method, path, status) in [
        ("GET", "/", 200),
        ("HEAD", "/", 200),
        ("GET", "/z/other", 200),
        ("POST", "/z/other", 405),
        ("GET", "/fails", 500),
        ("GET", "/nowhere", 404),
        ("GET", "/zz", 404),
        ("GET", "/z/health/nobody", 404),
        ("GET", "/z/health/a/b", 404),
        ("GET", "/z%2Fhealth", 404),
        ("POST", "/z/health", 405),
        ("DELETE", "/z/health/db", 405),
        ("PUT", "/z/info/", 405),
    ] {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        assert_eq!(send(&app, request).await.status, status, "{method} {path}");
        assert_eq!(printed.take(), [line(method, path, status)]);
    }
}

#[tokio::test]
async fn a_subscriber_at_info_prints_the_same_line() {
    let printed = Printed::default();
    let _guard = printed.capture(Level::INFO);
    let app = merged().layer(access_log());
    get(&app, "/fails").await;
    assert_eq!(printed.take(), [line("GET", "/fails", 500)]);
}

#[tokio::test]
async fn the_latency_is_in_the_line() {
    let printed = Printed::default();
    let _guard = printed.capture(Level::INFO);
    get(&merged().layer(access_log()), "/").await;
    let line = printed.text();
    let latency = line.trim_end().split(" latency=").nth(1);
    assert!(latency.is_some_and(|time| time.ends_with('s')), "{line}");
}

#[tokio::test]
async fn queries_stay_out() {
    let printed = Printed::default();
    let _guard = printed.capture(Level::TRACE);
    get(&merged().layer(access_log()), "/?token=secret").await;
    assert_eq!(printed.take(), [line("GET", "/", 200)]);
}

#[tokio::test]
async fn what_a_handler_logs_is_inside_the_span() {
    let printed = Printed::default();
    let _guard = printed.capture(Level::INFO);
    let logs = async || tracing::info!(target: "handler", "hello");
    get(&Router::new().route("/", on_get(logs)).layer(access_log()), "/").await;
    let said = r#"INFO request{method=GET path="/"}: handler: hello"#;
    assert_eq!(printed.take(), [said.to_owned(), line("GET", "/", 200)]);
}

#[tokio::test]
async fn before_the_merge_it_sees_the_host_alone() {
    let printed = Printed::default();
    let _guard = printed.capture(Level::TRACE);
    let app = host().layer(access_log()).merge(management_axum::router(&management("/z")));
    printed.take();
    probe(&app, "/z").await;
    get(&app, "/z/health/nobody").await;
    get(&app, "/z/other").await;
    assert_eq!(printed.take(), [line("GET", "/z/other", 200)]);
}

#[tokio::test]
async fn at_every_place_after_the_merge() {
    let printed = Printed::default();
    let _guard = printed.capture(Level::TRACE);

    is_an_access_log(&merged().layer(access_log()), &printed, "").await;

    let layers = ServiceBuilder::new().layer(access_log()).layer(from_fn(pass));
    is_an_access_log(&merged().layer(layers), &printed, "").await;
    let layers = ServiceBuilder::new().layer(from_fn(pass)).layer(access_log());
    is_an_access_log(&merged().layer(layers), &printed, "").await;

    let service = access_log().layer(merged());
    is_an_access_log(&Router::new().fallback_service(service), &printed, "").await;

    // On the router that is nested: the path is the whole one nevertheless.
    let nested = Router::new().nest("/outer", merged().layer(access_log()));
    is_an_access_log(&nested, &printed, "/outer").await;
    let nested = Router::new().nest_service("/outer", access_log().layer(merged()));
    is_an_access_log(&nested, &printed, "/outer").await;
}

async fn pass(request: Request, next: Next) -> Response {
    next.run(request).await
}

#[tokio::test]
async fn with_paths_that_are_normalised() {
    let printed = Printed::default();
    let _guard = printed.capture(Level::TRACE);
    let normalise = NormalizePathLayer::trim_trailing_slash;

    let outside = access_log().layer(normalise().layer(merged()));
    is_an_access_log(&Router::new().fallback_service(outside.clone()), &printed, "").await;
    ask(outside, "/z/other/").await;
    assert_eq!(printed.take(), [line("GET", "/z/other/", 200)]);

    let inside = normalise().layer(merged().layer(access_log()));
    is_an_access_log(&Router::new().fallback_service(inside.clone()), &printed, "").await;
    ask(inside, "/z/other/").await;
    assert_eq!(printed.take(), [line("GET", "/z/other", 200)]);
}

async fn ask<B>(
    service: impl Service<Request, Response = axum::http::Response<B>, Error = Infallible>,
    path: &str,
) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let answered = service.oneshot(request).await;
    assert!(answered.is_ok_and(|response| response.status() == 200));
}

#[tokio::test]
async fn an_answer_in_the_place_of_ours_stays_in() {
    async fn refuse(request: Request, next: Next) -> Response {
        let ours = next.run(request).await;
        Response::builder().status(ours.status()).body("of the host".into()).unwrap()
    }
    async fn teapot(mut response: Response) -> Response {
        *response.status_mut() = StatusCode::IM_A_TEAPOT;
        response
    }
    let printed = Printed::default();
    let _guard = printed.capture(Level::TRACE);
    let replaced = merged().layer(from_fn(refuse)).layer(access_log());
    let changed = merged().layer(map_response(teapot)).layer(access_log());
    printed.take();
    get(&replaced, "/z/health").await;
    get(&changed, "/z/health").await;
    assert_eq!(printed.take(), [line("GET", "/z/health", 200), line("GET", "/z/health", 418)]);
}

#[tokio::test]
async fn a_service_that_fails_is_one_line() {
    let printed = Printed::default();
    let _guard = printed.capture(Level::TRACE);
    let fails = service_fn(async |_: Request| Err::<Response, _>(io::Error::other("gone")));
    let request = Request::get("/").body(Body::empty()).unwrap();
    assert!(access_log().layer(fails).oneshot(request).await.is_err());
    let said = r#"INFO request{method=GET path="/"}: access_log: failed error="gone""#;
    assert_eq!(printed.take(), [said]);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_hangs_up_is_no_line() {
    let printed = Printed::default();
    let _guard = printed.capture(Level::TRACE);
    let app = Router::new().route("/", on_get(pending::<()>)).layer(access_log());
    assert!(timeout(Duration::from_secs(1), get(&app, "/")).await.is_err());
    assert_eq!(printed.take(), [""; 0]);
}

#[tokio::test]
async fn a_middleware_of_ones_own_can_tell() {
    let printed = Printed::default();
    let _guard = printed.capture(Level::TRACE);
    async fn log(request: Request, next: Next) -> Response {
        let path = request.uri().path().to_owned();
        let response = next.run(request).await;
        if !is_successful_probe(&response) {
            tracing::info!(target: "own", "{path} {}", response.status().as_u16());
        }
        response
    }
    let app = merged().layer(from_fn(log));
    printed.take();
    probe(&app, "/z").await;
    get(&app, "/z/health/nobody").await;
    get(&app, "/z/other").await;
    assert_eq!(printed.take(), ["INFO own: /z/health/nobody 404", "INFO own: /z/other 200"]);
}

#[tokio::test]
async fn a_trace_layer_of_ones_own_can_tell() {
    let printed = Printed::default();
    let _guard = printed.capture(Level::TRACE);
    let trace = TraceLayer::new_for_http()
        .on_request(())
        .on_response(|response: &Response, latency: Duration, span: &Span| {
            if !is_successful_probe(response) {
                DefaultOnResponse::new().on_response(response, latency, span);
            }
        })
        .on_eos(());
    let app = merged().layer(trace);
    printed.take();
    probe(&app, "/z").await;
    assert_eq!(printed.take(), [""; 0]);
    get(&app, "/z/other").await;
    let said = printed.take();
    assert!(said.len() == 1 && said[0].contains("uri=/z/other"), "{said:?}");
}
