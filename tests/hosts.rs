//! Merging the router changes nothing about the host.

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{Method, Request, StatusCode, Uri};
use axum::middleware::{Next, from_fn};
use axum::routing::get as on_get;
use management_axum::endpoint::Endpoint;
use management_axum::{Check, Management};
use support::{Answer, get, send};

const PREFIXES: [&str; 5] = ["/z", "/admin", "", "/", "/a/b"];

fn management(prefix: &str) -> Management {
    Management::builder().prefix(prefix).check(Check::new("db", async || ())).build().unwrap()
}

async fn user(Path(id): Path<String>) -> String {
    format!("user {id}")
}

async fn rest(Path(rest): Path<String>) -> String {
    format!("rest {rest}")
}

async fn fallback(uri: Uri) -> (StatusCode, String) {
    (StatusCode::IM_A_TEAPOT, format!("fallback {}", uri.path()))
}

/// The paths that are ours under a prefix, which is written as its routes are.
fn own_paths(prefix: &str) -> Vec<String> {
    let prefix = prefix.trim_end_matches('/');
    let paths =
        ["/health", "/health/liveness", "/health/ping", "/health/readiness", "/health/startup"];
    let more = ["/health/db", "/info", "/version", "/metrics", "/prometheus", "/scheduledtasks"];
    // The root belongs to the application.
    let index = (!prefix.is_empty()).then_some(&"");
    let all = paths.iter().chain(&more).chain(index);
    all.flat_map(|path| [format!("{prefix}{path}"), format!("{prefix}{path}/")]).collect()
}

/// Every answer of the host alone is its answer after the merge, and our paths are ours.
async fn unchanged(host: impl Fn() -> Router, prefix: &str, paths: &[&str]) {
    let alone = host();
    let management = management(prefix);
    let merged = host().merge(management_axum::router(&management));
    let endpoint = Endpoint::new(&management);
    for path in paths.iter().filter(|path| endpoint.route(path).is_none()) {
        for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::POST] {
            let request =
                || Request::builder().method(&method).uri(*path).body(Body::empty()).unwrap();
            let before: Answer = send(&alone, request()).await;
            let after = send(&merged, request()).await;
            assert_eq!(
                (before.status, before.headers, before.body),
                (after.status, after.headers, after.body),
                "{method} {path} under {prefix:?}",
            );
        }
    }
    for path in own_paths(prefix) {
        let answer = get(&merged, &path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
    }
}

const FOREIGN: [&str; 11] = [
    "/",
    "/z",
    "/z/",
    "/z/unknown",
    "/z/health/a/b",
    "//z/health",
    "/z%2Fhealth",
    "/Z/health",
    "/admin/7",
    "/admin/metrics/raw",
    "/acme/users",
];

#[tokio::test]
async fn a_plain_host() {
    for prefix in PREFIXES {
        unchanged(|| Router::new().route("/", on_get(async || "index")), prefix, &FOREIGN).await;
    }
}

#[tokio::test]
async fn a_host_with_parameters() {
    for prefix in PREFIXES {
        let host = || {
            Router::new()
                .route("/admin/{id}", on_get(user))
                .route("/{tenant}/users", on_get(user))
                .route("/{tenant}/users/{user}/posts", on_get(async || "posts"))
        };
        unchanged(host, prefix, &FOREIGN).await;
    }
}

#[tokio::test]
async fn a_host_with_a_wildcard() {
    for prefix in PREFIXES {
        let host =
            || Router::new().route("/admin/{*p}", on_get(rest)).route("/z/{*p}", on_get(rest));
        let foreign: Vec<_> =
            FOREIGN.into_iter().chain(["/admin/healthy", "/z/healthz/x"]).collect();
        unchanged(host, prefix, &foreign).await;
    }
}

#[tokio::test]
async fn a_host_with_a_fallback() {
    for prefix in PREFIXES {
        let host = || Router::new().route("/", on_get(async || "index")).fallback(fallback);
        unchanged(host, prefix, &FOREIGN).await;
        // It does not matter which of the two is merged into the other.
        let merged = management_axum::router(&management(prefix)).merge(host());
        assert_eq!(get(&merged, "/nowhere").await.body, "fallback /nowhere");
    }
}

#[tokio::test]
async fn a_host_with_a_method_not_allowed_fallback() {
    let host = || {
        Router::new()
            .route("/", on_get(async || "index"))
            .method_not_allowed_fallback(async || (StatusCode::METHOD_NOT_ALLOWED, "not like this"))
    };
    unchanged(host, "/z", &FOREIGN).await;
    let merged = host()
        .merge(management_axum::router(&management("/z")))
        .method_not_allowed_fallback(async || (StatusCode::METHOD_NOT_ALLOWED, "not like this"));
    let post = Request::post("/z/health").body(Body::empty()).unwrap();
    let answer = send(&merged, post).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert_eq!(answer.header("allow"), Some("GET, HEAD, OPTIONS"));
}

#[tokio::test]
async fn a_host_that_nests_a_router_with_a_fallback() {
    for prefix in PREFIXES {
        let host = || {
            let nested = Router::new().route("/users", on_get(async || "users")).fallback(fallback);
            Router::new().nest("/admin/api", nested.clone()).nest("/api", nested)
        };
        let foreign: Vec<_> =
            FOREIGN.into_iter().chain(["/api/users", "/api/nowhere", "/admin/api/x"]).collect();
        unchanged(host, prefix, &foreign).await;
    }
}

#[tokio::test]
async fn a_host_with_state() {
    #[derive(Clone)]
    struct App(&'static str);
    for prefix in PREFIXES {
        let app: Router<App> = Router::new()
            .route("/state", on_get(async |State(app): State<App>| app.0))
            .merge(management_axum::router(&management(prefix)));
        let app = app.with_state(App("of the host"));
        assert_eq!(get(&app, "/state").await.body, "of the host");
        for path in own_paths(prefix) {
            assert_eq!(get(&app, &path).await.status, 200, "{path}");
        }
    }
}

#[tokio::test]
async fn a_host_with_layers() {
    async fn mark(request: Request<Body>, next: Next) -> axum::response::Response {
        let mut response = next.run(request).await;
        response.headers_mut().insert("x-layer", "host".parse().unwrap());
        response
    }
    let host = || Router::new().route("/", on_get(async || "index")).layer(from_fn(mark));
    let ours = || management_axum::router(&management("/z"));
    // A layer wraps what was there before it.
    let before = host().merge(ours());
    assert_eq!(get(&before, "/").await.header("x-layer"), Some("host"));
    assert_eq!(get(&before, "/z/health").await.header("x-layer"), None);
    let after =
        Router::new().route("/", on_get(async || "index")).merge(ours()).layer(from_fn(mark));
    let answer = get(&after, "/z/health").await;
    assert_eq!((answer.status.as_u16(), answer.header("x-layer")), (200, Some("host")));
}

#[tokio::test]
async fn under_nest() {
    for prefix in PREFIXES {
        let inner = Router::new()
            .route("/users", on_get(async || "users"))
            .merge(management_axum::router(&management(prefix)));
        let app = Router::new().nest("/outer/{name}", inner).fallback(fallback);
        for path in own_paths(prefix) {
            let answer = get(&app, &format!("/outer/acme{path}")).await;
            assert_eq!(answer.status, 200, "{path} under {prefix:?}");
        }
        let slash = prefix.trim_end_matches('/');
        let answer = get(&app, &format!("/outer/acme{slash}/health/%64b")).await;
        assert_eq!(answer.body, r#"{"status":"UP"}"#);
        assert_eq!(get(&app, &format!("/outer/acme{slash}/health/nobody")).await.status, 404);
        assert_eq!(get(&app, "/outer/acme/users").await.body, "users");
        assert_eq!(get(&app, "/elsewhere").await.status, StatusCode::IM_A_TEAPOT);
    }
}

#[tokio::test]
#[should_panic(expected = "Overlapping method route")]
async fn a_route_of_the_host_at_our_path_is_noticed() {
    let host: Router = Router::new().route("/health", on_get(async || "of the host"));
    drop(host.merge(management_axum::router(&management(""))));
}

/// What `merge` panics with.
fn panic_of_merge(app: Router, other: Router) -> String {
    let merged = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| app.merge(other)));
    *merged.unwrap_err().downcast::<String>().unwrap()
}

#[tokio::test]
async fn the_docs_explain_the_panic_of_axum() {
    let endpoints = || management_axum::router(&management("/z"));
    let twice = panic_of_merge(Router::new().merge(endpoints()), endpoints());
    let host = Router::new().route("/z/health", on_get(async || "of the host"));
    let own_route = panic_of_merge(host, endpoints());
    let docs = include_str!("../management-axum/src/router.rs");
    assert!(docs.contains(&format!("/// {own_route}\n")), "{own_route}");
    // Which of the paths is met first is axum's business.
    let (start, _) = own_route.split_once("/z/").unwrap();
    assert!(twice.starts_with(start), "{twice}");
}

#[tokio::test]
async fn an_empty_name_is_none() {
    let app: Router = management_axum::router(&management("/z"));
    let answer = get(&app, "/z/health//").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
}

#[tokio::test]
async fn two_managements_in_one_host() {
    let other = Management::builder()
        .prefix("/internal")
        .check(Check::new("queue", async || false))
        .build()
        .unwrap();
    let app: Router = management_axum::router(&management("/z"));
    let app = app.merge(management_axum::router(&other));
    assert_eq!(get(&app, "/z/health").await.status, 200);
    assert_eq!(get(&app, "/internal/health").await.status, 503);
    assert_eq!(get(&app, "/z/health/queue").await.status, 404);
}

#[tokio::test]
async fn every_prefix_that_build_accepts_can_be_mounted() {
    let odd = [
        "/-._~!$&'()+,;=@",
        "/a:b*c",
        "/%7Bid%7D",
        "/a%20b",
        "/health",
        "/health/health",
        "/x/y/z/",
    ];
    for prefix in odd {
        let app: Router = management_axum::router(&management(prefix));
        for path in own_paths(prefix) {
            assert_eq!(get(&app, &path).await.status, 200, "{path}");
        }
    }
}
