//! Every format of an answer, beside a file that a person can read.

use std::path::PathBuf;
use std::time::Duration;
use std::{env, fs};

use http::{Method, Request, Response};
use management_core::endpoint::{Endpoint, MountedAt};
use management_core::{Builder, Check, Health, Heartbeat, Management, ShowDetails, Status};
use serde_json::Value;

mod actuator;
mod dialects;
mod index;
mod info;

const V3: &str = "application/vnd.spring-boot.actuator.v3+json";
const V2: &str = "application/vnd.spring-boot.actuator.v2+json";
const HEALTH_JSON: &str = "application/health+json";

/// The answer to a request of this method that accepts this.
async fn ask(endpoint: &Endpoint, method: Method, uri: &str, accept: &str) -> Response<String> {
    let mut request = Request::builder().method(method).uri(uri);
    if !accept.is_empty() {
        request = request.header("accept", accept);
    }
    let (request, ()) = request.header("host", "orders:8080").body(()).unwrap().into_parts();
    let route = endpoint.route(request.uri.path()).unwrap_or_else(|| panic!("no route of {uri}"));
    let response = endpoint.respond(route, &request).await;
    response.map(|body| String::from_utf8(body.to_vec()).unwrap())
}

async fn get(endpoint: &Endpoint, uri: &str, accept: &str) -> Response<String> {
    ask(endpoint, Method::GET, uri, accept).await
}

fn header<'a>(response: &'a Response<String>, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

fn json(response: &Response<String>) -> Value {
    serde_json::from_str(response.body()).unwrap_or_else(|_| panic!("{}", response.body()))
}

/// A service with a check of each kind and status.
fn orders(details: ShowDetails) -> Endpoint {
    let builder = Management::builder()
        .show_details(details)
        .check(Check::new("db", async || Health::up().detail("pool", 7)).readiness())
        .check(Check::new("cache", async || Health::degraded("12 evictions")).critical(false))
        .check(
            Check::new("queue", async || Err::<(), _>("connection refused")).groups(["payments"]),
        )
        .check(Check::new("model", async || Health::unknown("not loaded")).critical(false))
        .check(Check::new("disk", async || Status::OutOfService).critical(false));
    Endpoint::new(&builder.build().unwrap())
}

/// Compares an answer with a file. With `UPDATE_GOLDEN=1`, writes the file.
fn compare(name: &str, response: &Response<String>) {
    let head = format!("{}\n{}\n\n", response.status().as_u16(), header(response, "content-type"));
    let body = match serde_json::from_str::<Value>(response.body()) {
        // As it was sent, but on lines.
        Ok(_) => on_lines(response.body()),
        Err(_) => response.body().clone(),
    };
    let actual = head + &without_times(&body);
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("formats/golden").join(name);
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &actual).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(actual, expected, "{name} differs; `UPDATE_GOLDEN=1` writes it");
}

/// Breaks JSON into lines without changing the order of its keys.
fn on_lines(json: &str) -> String {
    let (mut lines, mut depth, mut in_text, mut escaped) = (String::new(), 0, false, false);
    for character in json.chars() {
        let was_escaped = std::mem::replace(&mut escaped, false);
        match character {
            '"' if !was_escaped => in_text = !in_text,
            '\\' => escaped = !was_escaped,
            _ => {}
        }
        let break_line = |lines: &mut String, depth: usize| {
            lines.push('\n');
            lines.push_str(&"  ".repeat(depth));
        };
        match character {
            '{' | '[' if !in_text => {
                depth += 1;
                lines.push(character);
                break_line(&mut lines, depth);
            }
            '}' | ']' if !in_text => {
                depth -= 1;
                break_line(&mut lines, depth);
                lines.push(character);
            }
            ',' if !in_text => {
                lines.push(character);
                break_line(&mut lines, depth);
            }
            _ => lines.push(character),
        }
    }
    lines + "\n"
}

/// Replaces each time of day, which has the form `2026-11-27T21:45:00.123Z`.
fn without_times(text: &str) -> String {
    let is_time = |word: &str| {
        word.len() == 24
            && word.ends_with('Z')
            && word.as_bytes()[10] == b'T'
            && word.starts_with("20")
    };
    text.split('"')
        .map(|word| if is_time(word) { "TIME" } else { word })
        .collect::<Vec<_>>()
        .join("\"")
}

#[tokio::test(start_paused = true)]
async fn each_format_has_a_file() {
    let formats = [
        ("json", "application/json"),
        ("text", "text/plain"),
        ("actuator-v3", V3),
        ("actuator-v2", V2),
        ("health-json", HEALTH_JSON),
    ];
    let (shown, hidden) = (orders(ShowDetails::always()), orders(ShowDetails::never()));
    for (format, accept) in formats {
        for (name, endpoint, uri) in [
            ("health-details", &shown, "/z/health"),
            ("health", &hidden, "/z/health"),
            ("readiness", &hidden, "/z/health/readiness"),
            ("readiness-verbose", &shown, "/z/health/readiness?verbose"),
            ("group", &shown, "/z/health/payments"),
            ("check", &shown, "/z/health/queue"),
        ] {
            let response = get(endpoint, uri, accept).await;
            assert_eq!(header(&response, "vary"), "Accept", "{format} {uri}");
            assert_eq!(header(&response, "cache-control"), "no-store", "{format} {uri}");
            compare(&format!("{name}.{format}"), &response);
        }
    }
}

/// What describes the series. Their values and some of their labels are of this machine.
#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn each_format_of_metrics_has_a_file() {
    let endpoint = orders(ShowDetails::never());
    get(&endpoint, "/z/health", "").await;
    for (name, accept) in [
        ("prometheus", "text/plain"),
        ("openmetrics", "application/openmetrics-text"),
        ("actuator-v3", V3),
    ] {
        let response = get(&endpoint, "/z/metrics", accept).await;
        let is_json = name == "actuator-v3";
        let response = response.map(|body| {
            // Some machines have no limit.
            let body = body.replace("\"process_max_fds\",", "");
            let lines = body.lines().filter(|line| is_json || line.starts_with('#'));
            let lines = lines.filter(|line| !line.contains("process_max_fds"));
            lines.flat_map(|line| [line, "\n"]).collect()
        });
        compare(&format!("metrics.{name}"), &response);
    }
    compare(
        "metric.actuator-v3",
        &get(&endpoint, "/z/metrics/health_check.runs?tag=check:db", V3).await,
    );
}

#[tokio::test(start_paused = true)]
async fn the_code_does_not_depend_on_the_format() {
    let endpoint = orders(ShowDetails::always());
    for uri in
        ["/z/health", "/z/health/readiness", "/z/health/liveness", "/z/health/queue", "/z/info"]
    {
        let usual = get(&endpoint, uri, "").await;
        for accept in [
            V3,
            V2,
            HEALTH_JSON,
            "text/plain",
            "application/json",
            "image/png",
            "*/*;q=0",
            ";;q=x",
            "\"",
            "a/b/c",
        ] {
            let response = get(&endpoint, uri, accept).await;
            assert_eq!(response.status(), usual.status(), "{uri} {accept:?}");
            let head = ask(&endpoint, Method::HEAD, uri, accept).await;
            assert_eq!(head.status(), usual.status());
            assert_eq!(header(&head, "content-type"), header(&response, "content-type"));
            assert_eq!(header(&head, "content-length"), response.body().len().to_string());
            assert_eq!(head.body(), "");
            let options = ask(&endpoint, Method::OPTIONS, uri, accept).await;
            assert_eq!((options.status(), &**options.body()), (usual.status(), ""));
        }
        for unknown in ["image/png", "*/*;q=0", ";;q=x", "\"", "a/b/c"] {
            let response = get(&endpoint, uri, unknown).await;
            assert_eq!(header(&response, "content-type"), "application/json", "{uri} {unknown:?}");
        }
    }
}

/// The draft demands that the body and the code agree.
#[tokio::test(start_paused = true)]
async fn health_json_agrees_with_its_code() {
    let statuses =
        [Status::Up, Status::Degraded, Status::Unknown, Status::OutOfService, Status::Down];
    for status in statuses {
        for degraded in [200, 503] {
            let builder = Management::builder()
                .status_code(Status::Degraded, degraded)
                .check(Check::new("a:b", move || std::future::ready(status)).liveness());
            let endpoint = Endpoint::new(&builder.build().unwrap());
            for uri in ["/z/health", "/z/health/liveness?verbose", "/z/health/a%3Ab"] {
                let response = get(&endpoint, uri, HEALTH_JSON).await;
                let body = json(&response);
                let expected = match (response.status().as_u16(), status) {
                    (200, Status::Up) => "pass",
                    (200, _) => "warn",
                    _ => "fail",
                };
                assert_eq!(body["status"], expected, "{status} {uri}: {body}");
                let check = &body["checks"]["a%3Ab"];
                assert!(check.as_array().is_some_and(|entries| entries.len() == 1), "{body}");
                let word = check[0]["status"].as_str().unwrap();
                let words: &[_] = match status {
                    Status::Up => &["pass"],
                    Status::Degraded => &["warn"],
                    Status::Unknown => &["warn", "fail"],
                    _ => &["fail"],
                };
                assert!(words.contains(&word), "{status}: {body}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn details_are_for_those_who_may_see_them() {
    let endpoint = orders(ShowDetails::never());
    for accept in [V3, V2, HEALTH_JSON] {
        for uri in
            ["/z/health", "/z/health/readiness?verbose", "/z/health/queue", "/z/health/payments"]
        {
            let body = get(&endpoint, uri, accept).await.into_body();
            for hidden in
                ["refused", "evictions", "pool", "checkedAt", "time", "observed", "failures"]
            {
                assert!(!body.contains(hidden), "{accept} {uri}: {body}");
            }
        }
    }
}
