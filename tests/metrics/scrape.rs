//! What a scrape gets.

use std::collections::BTreeMap;
use std::time::SystemTime;

use http::{Method, Request};
use management_core::endpoint::{Endpoint, Route};
use management_core::{Check, Management};

use super::{answer, lint, secs, text, value, with};

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
const OPENMETRICS: &str =
    "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores";

const PROMETHEUS_3: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
    application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,\
    text/plain;version=0.0.4;q=0.2,*/*;q=0.1";

#[tokio::test]
async fn the_format_is_the_one_that_the_client_accepts() {
    let management = with([Check::new("db", async || ())]);
    management.health().await;
    for (accept, content_type) in [
        (None, TEXT),
        (Some("*/*"), TEXT),
        (Some("text/plain"), TEXT),
        (Some("text/html"), TEXT),
        (Some("nonsense"), TEXT),
        (Some(PROMETHEUS_3), OPENMETRICS),
        (Some("application/openmetrics-text"), OPENMETRICS),
    ] {
        let (headers, body) = answer(&management, accept).await;
        assert_eq!(headers["content-type"], content_type, "{accept:?}");
        assert_eq!(headers["cache-control"], "no-store");
        assert_eq!(headers["vary"], "Accept");
        let is_openmetrics = content_type == OPENMETRICS;
        assert_eq!(body.ends_with("\n# EOF\n"), is_openmetrics, "{body}");
        assert_eq!(body.contains("# TYPE health_check_runs counter\n"), is_openmetrics, "{body}");
        assert_eq!(body.contains("# TYPE health_check_runs_total counter\n"), !is_openmetrics);
        assert!(
            body.contains("health_check_runs_total{check=\"db\",outcome=\"ok\"} 1\n"),
            "{body}"
        );
    }
}

#[tokio::test]
async fn prometheus_is_always_text() {
    let endpoint = Endpoint::new(&with([]));
    let request = Request::get("/z/prometheus").header("accept", PROMETHEUS_3).body(()).unwrap();
    let response = endpoint.respond(Route::Prometheus, &request.into_parts().0).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["content-type"]),
        (200, &TEXT.parse().unwrap())
    );
}

#[tokio::test]
async fn methods() {
    let endpoint = Endpoint::new(&with([]));
    for (route, path) in [(Route::Metrics, "/z/metrics"), (Route::Prometheus, "/z/prometheus/")] {
        assert_eq!(endpoint.route(path), Some(route));
        for (method, code, has_body, allows) in [
            (Method::GET, 200, true, false),
            (Method::HEAD, 200, false, false),
            (Method::OPTIONS, 200, false, true),
            (Method::POST, 405, true, true),
        ] {
            let request = Request::builder().method(&method).uri(path).body(()).unwrap();
            let response = endpoint.respond(route, &request.into_parts().0).await;
            let (body, headers) = (response.body(), response.headers());
            assert_eq!(response.status(), code, "{method} {path}");
            assert_eq!(!body.is_empty(), has_body, "{method} {path}");
            assert_eq!(headers.contains_key("allow"), allows, "{method} {path}");
            assert_eq!(headers["cache-control"], "no-store");
            assert_eq!(headers.contains_key("content-length"), method == Method::HEAD);
        }
    }
}

#[tokio::test]
async fn it_can_be_switched_off() {
    let builder = Management::builder().endpoint(Route::Metrics, false);
    let endpoint = Endpoint::new(&builder.build().unwrap());
    assert_eq!(endpoint.route("/z/metrics"), None);
    let request = Request::get("/z/metrics").body(()).unwrap().into_parts().0;
    assert_eq!(endpoint.respond(Route::Metrics, &request).await.status(), 404);
    assert_eq!(endpoint.route("/z/prometheus"), Some(Route::Prometheus));
    let config = serde_json::from_str(r#"{"endpoints": {"metrics": true, "prometheus": false}}"#);
    let management = Management::builder().config(config.unwrap()).build().unwrap();
    let endpoint = Endpoint::new(&management);
    assert_eq!(endpoint.route("/z/prometheus"), None);
    assert_eq!(endpoint.route("/z/metrics"), Some(Route::Metrics));
}

#[tokio::test]
async fn it_is_200_whatever_the_health_is_and_waits_for_no_check() {
    let check = Check::new("db", std::future::pending::<()>).timeout(secs(3600)).liveness();
    let management = Management::builder().check(check).build().unwrap();
    management.availability().broken("lost");
    // It would wait for an hour.
    let text = text(&management).await;
    assert!(text.contains("health_status{group=\"liveness\",state=\"down\"} 1\n"), "{text}");
}

#[tokio::test]
async fn labels_are_escaped() {
    let name = "a \"quoted\" name \\ ü";
    let management = with([Check::new(name, async || ())]);
    let escaped = r#"check="a \"quoted\" name \\ ü""#;
    for accept in [None, Some(PROMETHEUS_3)] {
        let (_, body) = answer(&management, accept).await;
        assert!(
            body.contains(&format!("health_check_transitions_total{{{escaped},to=\"up\"}} 0\n"))
        );
    }
    assert_eq!(lint(&text(&management).await), "");
}

#[tokio::test]
async fn openmetrics_is_valid() {
    let management = with([Check::new("a \"quoted\" name", async || ())]);
    management.health().await;
    let (_, body) = answer(&management, Some(PROMETHEUS_3)).await;
    // The text of another exporter is validated, and replaces what has the same names.
    let own = body.clone();
    let other = Management::builder().metrics_text(move || own.clone()).build().unwrap();
    assert_eq!(answer(&other, Some(PROMETHEUS_3)).await.1, body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn process_and_runtime() {
    let management = Management::builder().version_provider(async || "1.2.3").build().unwrap();
    let text = text(&management).await;
    assert_eq!(value(&text, "build_info{version=\"1.2.3\",revision=\"unknown\"}"), Some(1.0));
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs_f64();
    let started = value(&text, "process_start_time_seconds").unwrap();
    assert!((now - 86_400.0..now + 2.0).contains(&started), "{started} and {now}");
    for (series, least) in [
        ("process_cpu_seconds_total", 0.0),
        ("process_resident_memory_bytes", 1e6),
        ("process_open_fds", 3.0),
        ("process_max_fds", 3.0),
        ("process_threads", 2.0),
        ("tokio_alive_tasks", 0.0),
        ("tokio_global_queue_depth", 0.0),
        ("tokio_busy_seconds_total", 0.0),
    ] {
        let value = value(&text, series).unwrap_or_else(|| panic!("no {series}"));
        assert!(value >= least, "{series} is {value}");
    }
    assert_eq!(value(&text, "tokio_workers"), Some(2.0));
    assert_eq!(value(&text, "runtime_lag_seconds"), None, "there is no watchdog");
    assert_eq!(lint(&text), "");
}

#[tokio::test(start_paused = true)]
async fn the_version_is_that_of_version() {
    let failing = || Management::builder().version_provider(async || Err::<String, _>("no file"));
    let unknown = text(&failing().build().unwrap()).await;
    assert!(unknown.contains("build_info{version=\"unknown\","), "{unknown}");
    // A provider that takes too long is asked again, and its series comes later.
    let late = Management::builder().version_provider(async || {
        tokio::time::sleep(secs(2)).await;
        "2.0"
    });
    let late = late.build().unwrap();
    let before = tokio::time::Instant::now();
    assert!(!text(&late).await.contains("build_info"));
    assert_eq!(before.elapsed(), std::time::Duration::from_millis(800));
    tokio::time::sleep(secs(2)).await;
    assert!(text(&late).await.contains("build_info{version=\"2.0\","));
}

#[tokio::test]
async fn every_name_is_described_once_and_counters_end_with_total() {
    let management = with([Check::new("db", async || ()), Check::instant("queue", || true)]);
    management.health().await;
    let text = text(&management).await;
    let mut types = BTreeMap::new();
    let mut current = "";
    for line in text.lines() {
        if let Some(described) = line.strip_prefix("# TYPE ") {
            let (name, kind) = described.split_once(' ').unwrap();
            assert_eq!(types.insert(name, kind), None, "{name}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{name} {kind}");
            current = name;
        } else if let Some(help) = line.strip_prefix("# HELP ") {
            assert!(help.ends_with('.'), "{help}");
        } else {
            assert!(line.starts_with(current), "{line} under {current}");
        }
    }
    assert!(!types.values().any(|kind| *kind == "stateset"), "{types:?}");
    assert_eq!(lint(&text), "");
}
