//! From requests to responses, in the types of `http`: no socket, and no web framework.

use std::time::Duration;

use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use management_core::endpoint::{Endpoint, Route};
use management_core::{Builder, Check, Health, Management, ShowDetails, Status};

fn request(method: Method, uri: &str) -> Parts {
    Request::builder().method(method).uri(uri).body(()).unwrap().into_parts().0
}

/// Finds the route of a path as a router would, and answers.
async fn send(endpoint: &Endpoint, request: &Parts) -> Response<String> {
    let path = request.uri.path();
    let path = path.strip_suffix('/').unwrap_or(path);
    let literal = endpoint.paths().find(|(own, _)| own == path).map(|(_, route)| route);
    let response = endpoint.respond(literal.unwrap_or(Route::Named), request).await;
    response.map(|body| String::from_utf8(body.to_vec()).unwrap())
}

async fn get(endpoint: &Endpoint, uri: &str) -> Response<String> {
    send(endpoint, &request(Method::GET, uri)).await
}

async fn said(endpoint: &Endpoint, uri: &str) -> (u16, String) {
    let response = get(endpoint, uri).await;
    (response.status().as_u16(), response.into_body())
}

fn of(builder: Builder) -> Endpoint {
    Endpoint::new(&builder.build().unwrap())
}

fn with(checks: impl IntoIterator<Item = Check>) -> Endpoint {
    of(checks.into_iter().fold(Management::builder(), Builder::check))
}

fn fixed(name: &str, status: Status) -> Check {
    Check::new(name, move || std::future::ready(status))
}

fn header<'a>(response: &'a Response<String>, name: &str) -> Option<&'a str> {
    response.headers().get(name).map(|value| value.to_str().unwrap())
}

#[tokio::test]
async fn one_table_of_paths() {
    let paths: Vec<_> = with([]).paths().collect();
    let expected = [
        ("/z/health", Route::Health),
        ("/z/health/liveness", Route::Liveness),
        ("/z/health/ping", Route::Liveness),
        ("/z/health/readiness", Route::Readiness),
        ("/z/health/startup", Route::Startup),
        ("/z/health/{name}", Route::Named),
        ("/z/info", Route::Info),
        ("/z/version", Route::Version),
        ("/z/metrics", Route::Metrics),
        ("/z/prometheus", Route::Prometheus),
        ("/z/metrics/{name}", Route::Metric),
        ("/z/scheduledtasks", Route::ScheduledTasks),
        ("/z", Route::Index),
    ];
    assert_eq!(paths, expected.map(|(path, route)| (path.to_owned(), route)));
    for prefix in ["", "/", "//"] {
        let endpoint = of(Management::builder().prefix(prefix));
        assert_eq!(endpoint.paths().next().unwrap().0, "/health", "{prefix:?}");
    }
    for prefix in ["a/b", "/a/b", "a/b/", "/a/b/"] {
        let endpoint = of(Management::builder().prefix(prefix));
        assert_eq!(endpoint.paths().next().unwrap().0, "/a/b/health", "{prefix:?}");
    }
}

#[tokio::test]
async fn bodies_and_their_order() {
    let endpoint = with([
        fixed("b", Status::Down).critical(false),
        fixed("a", Status::Up).readiness(),
        fixed("alive", Status::Up).liveness(),
        fixed("begun", Status::Degraded).startup(),
    ]);
    assert_eq!(
        said(&endpoint, "/z/health").await,
        (
            200,
            r#"{"status":"DEGRADED","components":{"a":{"status":"UP"},"alive":{"status":"UP"},"b":{"status":"DOWN"},"begun":{"status":"DEGRADED"}}}"#.into()
        )
    );
    assert_eq!(said(&endpoint, "/z/health/readiness").await, (200, r#"{"status":"UP"}"#.into()));
    assert_eq!(said(&endpoint, "/z/health/liveness").await, (200, r#"{"status":"UP"}"#.into()));
    assert_eq!(said(&endpoint, "/z/health/ping").await, (200, r#"{"status":"UP"}"#.into()));
    let startup = said(&endpoint, "/z/health/startup").await;
    assert_eq!(startup, (200, r#"{"status":"DEGRADED"}"#.into()));
    assert_eq!(said(&endpoint, "/z/health/b").await, (503, r#"{"status":"DOWN"}"#.into()));
    let empty = with([]);
    assert_eq!(said(&empty, "/z/health").await, (200, r#"{"status":"UP","components":{}}"#.into()));
}

#[tokio::test]
async fn codes_of_statuses() {
    for (status, code, liveness) in [
        (Status::Up, 200, 200),
        (Status::Degraded, 200, 200),
        (Status::Unknown, 503, 200),
        (Status::OutOfService, 503, 200),
        (Status::Down, 503, 503),
    ] {
        let endpoint = with([fixed("check", status).liveness()]);
        let body = format!(r#"{{"status":"{status}"}}"#);
        assert_eq!(said(&endpoint, "/z/health").await.0, code);
        assert_eq!(said(&endpoint, "/z/health/check").await, (code, body.clone()));
        assert_eq!(said(&endpoint, "/z/health/readiness").await, (code, body.clone()));
        assert_eq!(said(&endpoint, "/z/health/liveness").await, (liveness, body));
        let endpoint = with([fixed("check", status).startup()]);
        assert_eq!(said(&endpoint, "/z/health/startup").await.0, code);
    }
}

#[tokio::test]
async fn codes_can_be_mapped() {
    let mapped = |status| {
        of(Management::builder()
            .status_code(Status::Degraded, 503)
            .status_code(Status::Unknown, 200)
            .check(fixed("check", status).liveness()))
    };
    let degraded = mapped(Status::Degraded);
    assert_eq!(said(&degraded, "/z/health").await.0, 503);
    assert_eq!(said(&degraded, "/z/health/check").await.0, 503);
    assert_eq!(said(&degraded, "/z/health/liveness").await.0, 200, "DOWN alone restarts a pod");
    let unknown = mapped(Status::Unknown);
    assert_eq!(said(&unknown, "/z/health/readiness").await.0, 200);
}

#[tokio::test]
async fn headers() {
    let builder = Management::builder().version_provider(async || "1.2.3");
    let endpoint = of(builder.check(fixed("db", Status::Up)));
    for (path, content_type, vary) in [
        ("/z/health", "application/json", Some("Accept")),
        ("/z/health/liveness", "application/json", Some("Accept")),
        ("/z/health/db", "application/json", Some("Accept")),
        ("/z/info", "application/json", Some("Accept")),
        ("/z/version", "text/plain; charset=utf-8", None),
        ("/z/health/nobody", "application/problem+json", None),
    ] {
        for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::POST] {
            let answer = send(&endpoint, &request(method.clone(), path)).await;
            assert_eq!(header(&answer, "cache-control"), Some("no-store"), "{method} {path}");
            for absent in ["etag", "last-modified", "location", "content-encoding", "retry-after"] {
                assert_eq!(header(&answer, absent), None, "{method} {path}");
            }
            if method != Method::POST {
                assert_eq!(header(&answer, "content-type"), Some(content_type), "{method} {path}");
                assert_eq!(header(&answer, "vary"), vary, "{method} {path}");
            }
        }
    }
}

#[tokio::test]
async fn methods() {
    let endpoint = with([fixed("db", Status::Down)]);
    for path in [
        "/z/health",
        "/z/health/db",
        "/z/health/readiness",
        "/z/info",
        "/z/version",
        "/z/health/nobody",
    ] {
        let got = get(&endpoint, path).await;
        let head = send(&endpoint, &request(Method::HEAD, path)).await;
        assert_eq!((head.status(), &**head.body()), (got.status(), ""), "{path}");
        assert_eq!(header(&head, "content-length"), Some(&*got.body().len().to_string()), "{path}");
        assert_eq!(header(&head, "content-type"), header(&got, "content-type"), "{path}");

        let options = send(&endpoint, &request(Method::OPTIONS, path)).await;
        assert_eq!((options.status(), &**options.body()), (got.status(), ""), "{path}");
        assert_eq!(header(&options, "allow"), Some("GET, HEAD, OPTIONS"), "{path}");

        for method in ["POST", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let answer = send(&endpoint, &request(method, path)).await;
            assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
            assert_eq!(header(&answer, "allow"), Some("GET, HEAD, OPTIONS"), "{path}");
            assert_eq!(header(&answer, "content-type"), Some("application/problem+json"));
            assert!(answer.body().starts_with(r#"{"status":405,"title":"Method Not Allowed","#));
        }
    }
}

#[tokio::test]
async fn accept_never_changes_the_code() {
    let endpoint = with([fixed("db", Status::Up)]);
    for accept in
        ["", "*/*", "application/json", "text/html", "image/png", ";;;,", "q=q=q", "\u{ff}"]
    {
        let mut request = request(Method::GET, "/z/health");
        let value = http::HeaderValue::from_bytes(accept.as_bytes()).unwrap();
        request.headers.insert("accept", value);
        let answer = send(&endpoint, &request).await;
        assert_eq!(
            (answer.status().as_u16(), header(&answer, "content-type")),
            (200, Some("application/json"))
        );
    }
}

#[tokio::test]
async fn names_survive() {
    let longest = "ü".repeat(128);
    let encoded: String = longest.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let endpoint = with(
        ["db", &longest, "größe 1", "100%", "%64b", "a+b", "a?b", "a.b", "health"]
            .map(|name| fixed(name, Status::Up)),
    );
    let up = || (200, r#"{"status":"UP"}"#.to_owned());
    for path in [
        "/z/health/db",
        "/z/health/db/",
        "/z/health/%64%62",
        "/z/health/gr%C3%B6%C3%9Fe%201",
        "/z/health/100%25",
        "/z/health/%2564b",
        "/z/health/a+b",
        "/z/health/a%2bb",
        "/z/health/a%3Fb",
        "/z/health/a.b",
        "/z/health/health",
        &format!("/z/health/{encoded}"),
        // The probes have these names, however they are written.
        "/z/health/%6civeness",
        "/z/health/%70ing",
        "/z/health/readines%73",
        "/z/health/%73tartup/",
    ] {
        assert_eq!(said(&endpoint, path).await, up(), "{path}");
    }
    for path in [
        "/z/health/DB",
        "/z/health/nobody",
        "/z/health/..",
        "/z/health/.",
        "/z/health/%2e%2e",
        "/z/health/%",
        "/z/health/%F",
        "/z/health/%FF",
        "/z/health/%C3%28",
        "/z/health/%00",
        "/z/health/d%2Fb",
        "/z/health/db%2F",
        "/z/health/%252564b",
        "/z/health/{name}",
        "/z/health/events",
        &format!("/z/health/{}", "a".repeat(128)),
        &format!("/z/health/{}", "a".repeat(129)),
        &format!("/z/health/{encoded}a"),
        &format!("/z/health/{}", "a".repeat(10_000)),
        &format!("/z/health/{}", "%61".repeat(10_000)),
    ] {
        let answer = get(&endpoint, path).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
        assert_eq!(header(&answer, "content-type"), Some("application/problem+json"), "{path}");
        assert!(answer.body().starts_with(r#"{"status":404,"title":"Not Found","#), "{path}");
        assert!(answer.body().len() < 1000, "the name is not echoed: {path}");
    }
}

#[tokio::test]
async fn details_are_shown_to_nobody_unless_told() {
    let check = || {
        Check::new("db", || {
            std::future::ready(Health::down("refused\nby host").detail("port", 5432))
        })
        .readiness()
    };
    let hidden = with([check()]);
    for path in ["/z/health", "/z/health/db", "/z/health/readiness?verbose"] {
        let (_, body) = said(&hidden, path).await;
        assert!(!body.contains("refused") && !body.contains("5432"), "{body}");
        assert!(!body.contains("checkedAt"), "{body}");
    }

    let shown = of(Management::builder().show_details(ShowDetails::always()).check(check()));
    let (code, body) = said(&shown, "/z/health/db").await;
    let db: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(code, 503);
    assert!(body.starts_with(r#"{"status":"DOWN","details":{"#), "{body}");
    assert_eq!(db["details"], serde_json::json!({"error": "refused by host", "port": 5432}));
    assert_eq!((&db["failures"], &db["stale"]), (&1.into(), &false.into()));
    assert!(db["durationMs"].is_u64(), "{body}");
    let at = db["checkedAt"].as_str().unwrap();
    assert!(at.len() == 24 && at.starts_with("20") && at.ends_with('Z'), "{at}");
    let (_, whole) = said(&shown, "/z/health").await;
    let whole: serde_json::Value = serde_json::from_str(&whole).unwrap();
    assert_eq!(whole["components"]["db"]["details"], db["details"]);
}

/// The check's own details are shown as they are, and the reason beside them.
#[tokio::test]
async fn no_detail_is_lost_for_the_reason() {
    let cases = [
        (Health::down("x"), serde_json::json!({"error": "x"})),
        (
            Health::down("x").detail("error", "mine"),
            serde_json::json!({"error": "mine", "reason": "x"}),
        ),
        (
            Health::down("x").detail("reason", "mine"),
            serde_json::json!({"error": "x", "reason": "mine"}),
        ),
        (
            Health::down("x").detail("error", 1).detail("reason", 2),
            serde_json::json!({"error": 1, "reason": 2, "reason2": "x"}),
        ),
        (Health::up().detail("error", "mine"), serde_json::json!({"error": "mine"})),
    ];
    for (health, details) in cases {
        let check = Check::new("db", move || std::future::ready(health.clone()));
        let shown = of(Management::builder().show_details(ShowDetails::always()).check(check));
        let (_, body) = said(&shown, "/z/health/db").await;
        let db: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(db["details"], details);
    }
}

#[tokio::test]
async fn details_are_shown_where_the_closure_lets_the_request_pass() {
    let rule = |request: &Parts| request.headers.contains_key("x-operator");
    let endpoint =
        of(Management::builder().show_details(ShowDetails::when_authorized(rule)).check(
            Check::new("db", async || Err::<(), _>("refused"))
                .ttl(Duration::from_secs(3600))
                .valid_for(Duration::from_secs(7200)),
        ));
    // The answers to both are kept, and never mixed up.
    for _ in 0..3 {
        let (_, body) = said(&endpoint, "/z/health").await;
        assert!(!body.contains("refused"), "{body}");
        let mut operator = request(Method::GET, "/z/health");
        operator.headers.insert("x-operator", http::HeaderValue::from_static("yes"));
        let body = send(&endpoint, &operator).await.into_body();
        assert!(body.contains(r#""error":"refused""#), "{body}");
    }
}

#[tokio::test]
async fn a_closure_that_panics_shows_nothing_and_harms_nobody() {
    let rule = |_: &Parts| -> bool { panic!("in the rule") };
    let endpoint = of(Management::builder()
        .show_details(ShowDetails::when_authorized(rule))
        .check(Check::new("db", async || Err::<(), _>("refused"))));
    let expected = r#"{"status":"DOWN","components":{"db":{"status":"DOWN"}}}"#;
    assert_eq!(said(&endpoint, "/z/health").await, (503, expected.into()));
}

/// A runtime that is still there and no longer driven lets no beat go on.
#[test]
fn a_kept_answer_becomes_stale() {
    let ms = Duration::from_millis;
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (first, second) = (runtime(), runtime());
    let up = Check::new("db", async || ()).interval(ms(10)).valid_for(ms(60_000));
    // A failure is due again after `retry`.
    let down = Check::new("db", async || false).interval(ms(3_600_000)).retry(ms(10));
    for (check, expected) in [(up, 200), (down, 503)] {
        let management = first.block_on(async {
            let builder = Management::builder().show_details(ShowDetails::always());
            // A run that is preempted is not late.
            let management = builder.check(check.timeout(ms(500))).build().unwrap();
            management.health().await;
            management
        });
        let endpoint = Endpoint::new(&management);
        second.block_on(async {
            loop {
                let (code, body) = said(&endpoint, "/z/health").await;
                assert_eq!(code, expected, "{body}");
                if body.contains(r#""stale":true"#) {
                    break;
                }
            }
        });
    }
}

#[tokio::test]
async fn queries() {
    let endpoint = with([
        fixed("db", Status::Down).readiness(),
        fixed("cache", Status::Up).readiness(),
        fixed("a b", Status::Degraded).readiness(),
    ]);
    let all = r#"{"status":"DOWN","components":{"a b":{"status":"DEGRADED"},"cache":{"status":"UP"},"db":{"status":"DOWN"}}}"#;
    for (query, code, body) in [
        ("", 503, r#"{"status":"DOWN"}"#),
        ("?", 503, r#"{"status":"DOWN"}"#),
        ("?other=1", 503, r#"{"status":"DOWN"}"#),
        ("?verbose", 503, all),
        ("?verbose=true", 503, all),
        ("?verbose=false", 503, r#"{"status":"DOWN"}"#),
        ("?exclude=db", 200, r#"{"status":"DEGRADED"}"#),
        ("?exclude=db&exclude=a+b", 200, r#"{"status":"UP"}"#),
        (
            "?verbose&exclude=db&exclude=a%20b",
            200,
            r#"{"status":"UP","components":{"cache":{"status":"UP"}}}"#,
        ),
        ("?exclude=nobody", 503, r#"{"status":"DOWN"}"#),
    ] {
        let answer = said(&endpoint, &format!("/z/health/readiness{query}")).await;
        assert_eq!(answer, (code, body.to_owned()), "{query}");
    }
    let (code, body) = said(&endpoint, "/z/health?exclude=db").await;
    assert_eq!((code, body.contains("db")), (200, false), "{body}");
}

/// An answer that is kept must never outlive what it was made from.
#[tokio::test(start_paused = true)]
async fn kept_answers_are_those_that_would_be_made() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    let (is_up, runs) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicUsize::new(0)));
    let (state, counter) = (Arc::clone(&is_up), Arc::clone(&runs));
    let check = Check::new("db", move || {
        counter.fetch_add(1, Ordering::SeqCst);
        std::future::ready(state.load(Ordering::SeqCst))
    });
    let management = Management::builder().check(check).build().unwrap();
    let endpoint = Endpoint::new(&management);
    let code = async || said(&endpoint, "/z/health").await.0;

    assert_eq!((code().await, code().await, runs.load(Ordering::SeqCst)), (200, 200, 1));
    is_up.store(false, Ordering::SeqCst);
    tokio::time::advance(Duration::from_millis(999)).await;
    assert_eq!(code().await, 200, "within the ttl");
    tokio::time::advance(Duration::from_millis(1)).await;
    assert_eq!((code().await, code().await, runs.load(Ordering::SeqCst)), (503, 503, 2));

    // What comes and goes at run time, and results that another question brought.
    management.unregister("db");
    assert_eq!((code().await, code().await), (200, 200));
    management.register(fixed("cache", Status::Down)).unwrap();
    assert_eq!((code().await, code().await), (503, 503));
    management.unregister("cache");
    assert_eq!(code().await, 200);

    let state = Arc::new(AtomicBool::new(true));
    let own = Arc::clone(&state);
    let beat = Check::new("beat", move || std::future::ready(own.load(Ordering::SeqCst)));
    management.register(beat.interval(Duration::from_secs(10))).unwrap();
    assert_eq!((code().await, code().await), (200, 200));
    state.store(false, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(12)).await;
    assert_eq!(code().await, 503, "a result that came unasked");
}

#[tokio::test]
async fn versions() {
    let text = async |builder: Builder| said(&of(builder), "/z/version").await;
    let none = async || None::<String>;
    let empty = async || "";
    let failing = async || Err::<String, _>("broken");
    let fallback = std::env::var("VERSION").unwrap_or_else(|_| "unknown".into());
    let builder = Management::builder;
    assert_eq!(text(builder()).await, (200, fallback.clone()));
    assert_eq!(text(builder().version_provider(none)).await, (200, fallback.clone()));
    assert_eq!(text(builder().version_provider(empty)).await, (200, fallback));
    assert_eq!(text(builder().version_provider(failing)).await, (503, "unknown".into()));
    let markup = async || "<b>1</b>\u{fc}";
    assert_eq!(text(builder().version_provider(markup)).await, (200, "<b>1</b>\u{fc}".into()));
    let nested = async || Ok::<_, std::fmt::Error>(Some('1'));
    assert_eq!(text(builder().version_provider(nested)).await, (200, "1".into()));
}

#[tokio::test(start_paused = true)]
async fn info_has_one_budget_for_all() {
    use std::fmt::Error;
    use std::future::pending;
    let builder = Management::builder()
        .timeout(Duration::from_secs(60))
        .version_provider(async || pending::<String>().await)
        .info_contributor("a", async || Ok::<_, Error>(pending::<u8>().await))
        .info_contributor("b", async || Ok::<_, Error>(pending::<u8>().await))
        .info_contributor("c", async || Ok::<_, Error>(1));
    let endpoint = of(builder.name("x").info_keys(["app", "c"]));
    let start = tokio::time::Instant::now();
    let info = said(&endpoint, "/z/info").await;
    assert_eq!(info, (200, r#"{"app":{"name":"x"},"c":1}"#.into()));
    assert_eq!(start.elapsed(), Duration::from_millis(4500));
}

#[tokio::test]
async fn info_has_the_app_first() {
    let builder = Management::builder()
        .name("shop \"one\"")
        .info_contributor("a", async || Ok::<_, std::fmt::Error>(vec![1.5, 2.0]))
        .info_contributor("app version", async || Ok::<_, std::fmt::Error>("x"));
    let endpoint = of(builder.version_provider(async || "1"));
    let (code, info) = said(&endpoint, "/z/info").await;
    let beginning =
        r#"{"app":{"name":"shop \"one\"","version":"1"},"build":{"version":"1"},"os":{"name":""#;
    assert!(code == 200 && info.starts_with(beginning), "{info}");
    assert!(info.ends_with(r#"},"a":[1.5,2.0],"app version":"x"}"#), "{info}");
    let named = said(&with([]), "/z/info").await.1;
    assert!(named.starts_with(r#"{"app":{"name":"in_process"#), "the executable's name: {named}");
}
