//! Each row of the table of URLs, as a proxy sees what is requested: so it needs no host `h`.
//!
//! Of https a proxy sees the host and the port alone. Its path is told in the details.

use management_axum::Dependency;
use serde_json::{Value, json};
use support::{Peer, Printed, Program, answer, get};
use tokio::net::TcpListener;
use tracing::Level;

use super::{app, builder, parsed};

/// What a program requests for a dependency that is given like this.
struct Requested {
    targets: Vec<String>,
    url: String,
}

/// With what is set by `set` in the program's environment.
async fn requested(given: &str, probe: &str, set: &[(&str, &str)]) -> Requested {
    let proxy = Peer::up().await;
    let prefix = set.iter().find(|(name, _)| *name == "MANAGEMENT_PREFIX");
    let prefix = prefix.map_or("/z", |(_, prefix)| prefix);
    let path = format!("{prefix}/health{probe}?verbose");
    let url = format!("http://{}", proxy.address);
    let mut program = Program::answer(&path)
        .env("HTTP_PROXY", &url)
        .env("HTTPS_PROXY", &url)
        .env("MANAGEMENT_DEPENDENCY_ENVIRONMENT_PROXIES", "true")
        .env("MANAGEMENT_SHOW_DETAILS", "always")
        .env("MANAGEMENT_SERVICE_DEPENDENCIES", json!({"users": given}).to_string());
    if probe == "/readiness" {
        program = program.env("MANAGEMENT_CASCADE", r#"{"readiness": ["users"]}"#);
    }
    let said = set.iter().fold(program, |program, (name, value)| program.env(name, value)).json();
    let url = said.await["components"]["users"]["details"]["url"].clone();
    let Value::String(url) = url else { panic!("no URL: {url}") };
    let mut targets = proxy.targets();
    // A tunnel is asked for anew where it turns out to be none.
    targets.dedup();
    Requested { targets, url }
}

/// The dependency is asked at `url`, and at the readiness below it where that cascades.
async fn asks(given: &str, set: &[(&str, &str)], url: &str) {
    for probe in ["", "/readiness"] {
        let requested = requested(given, probe, set).await;
        let url = format!("{url}{probe}");
        assert_eq!(requested.url, url, "{given}");
        let target = match url.strip_prefix("https://") {
            None => format!("GET {url}"),
            Some(rest) => {
                let authority = rest.split('/').next().unwrap();
                let port = if authority.contains(':') { "" } else { ":443" };
                format!("CONNECT {authority}{port}")
            }
        };
        assert_eq!(requested.targets, [target], "{given}");
    }
}

async fn refused(given: &str, why: &str) {
    let error = builder().service_dependency("users", given).build().unwrap_err();
    assert!(error.is_invalid(), "{error}");
    let text = error.to_string();
    assert!(text.contains("service dependency `users` at tests/migration/urls.rs:"), "{text}");
    assert!(text.contains(&format!("{given:?} is not a URL: {why}")), "{text}");
}

#[tokio::test]
async fn an_http_url_is_requested_as_it_is() {
    asks("http://h:9090/admin/health", &[], "http://h:9090/admin/health").await;
}

#[tokio::test]
async fn an_https_url_is_requested_as_it_is() {
    asks("https://h:9090/admin/health", &[], "https://h:9090/admin/health").await;
}

#[tokio::test]
async fn a_host_with_a_port_is_requested_under_the_own_prefix() {
    asks("h:8000", &[], "http://h:8000/z/health").await;
    asks("h:8000", &[("MANAGEMENT_PREFIX", "/admin")], "http://h:8000/admin/health").await;
}

#[tokio::test]
async fn a_host_alone_is_requested_under_the_own_prefix() {
    asks("h", &[], "http://h/z/health").await;
    asks("h", &[("MANAGEMENT_PREFIX", "/admin")], "http://h/admin/health").await;
}

#[tokio::test]
async fn a_host_with_a_path_is_requested_there() {
    asks("h:8000/admin", &[], "http://h:8000/admin").await;
    asks("h:8000/admin", &[("MANAGEMENT_PREFIX", "/other")], "http://h:8000/admin").await;
}

#[tokio::test]
async fn preferred_url_scheme_is_the_scheme_of_what_has_none() {
    let https = [("PREFERRED_URL_SCHEME", "https")];
    asks("h:8000", &https, "https://h:8000/z/health").await;
    asks("h", &https, "https://h/z/health").await;
    asks("h:8000/admin", &https, "https://h:8000/admin").await;
    asks("http://h:9090/admin/health", &https, "http://h:9090/admin/health").await;
}

#[tokio::test]
async fn scheme_is_the_scheme_where_preferred_url_scheme_is_not_set() {
    asks("h:8000", &[("SCHEME", "https")], "https://h:8000/z/health").await;
    let both = [("PREFERRED_URL_SCHEME", "http"), ("SCHEME", "https")];
    asks("h:8000", &both, "http://h:8000/z/health").await;
}

#[tokio::test]
async fn what_is_no_url_is_refused() {
    refused("local:://host", "its scheme is \"local:\"").await;
}

#[tokio::test]
async fn what_is_empty_is_refused() {
    refused("", "it is empty").await;
}

/// Without a proxy between, the path is the target and the host a header.
#[tokio::test]
async fn a_peer_is_asked_for_the_path_and_told_the_host() {
    let peer = Peer::up().await;
    let app = app(builder().service_dependency("users", peer.address.to_string()));
    assert_eq!(parsed(&get(&app, "/z/health").await)["status"], "UP");
    assert_eq!(peer.targets(), ["GET /z/health"]);
    assert_eq!(peer.header("host"), Some(peer.address.to_string()));
}

#[tokio::test]
async fn a_dependency_is_up_only_where_it_answers_200_with_json_that_says_up() {
    let json = "application/json";
    for (sent, status) in [
        (answer(200, json, r#"{"status":"UP"}"#), "UP"),
        (answer(200, json, r#"{"status":"UP","more":{"x":[1]}}"#), "UP"),
        (answer(201, json, r#"{"status":"UP"}"#), "DOWN"),
        (answer(204, json, ""), "DOWN"),
        (answer(404, json, r#"{"status":"UP"}"#), "DOWN"),
        (answer(503, json, r#"{"status":"UP"}"#), "DOWN"),
        (answer(200, json, r#"{"status":"DOWN"}"#), "DOWN"),
        (answer(200, json, r#"{"state":"UP"}"#), "DOWN"),
        (answer(200, json, r#"{"health":{"status":"UP"}}"#), "DOWN"),
        (answer(200, json, r#"{"status":true}"#), "DOWN"),
        (answer(200, json, r#"{"status":"UP""#), "DOWN"),
        (answer(200, json, ""), "DOWN"),
        (answer(200, "text/html", "<p>UP</p>"), "DOWN"),
        (answer(200, "text/html", r#"{"status":"UP"}"#), "UP"),
        (b"no HTTP at all\r\n\r\n".to_vec(), "DOWN"),
        (Vec::new(), "DOWN"),
    ] {
        let peer = Peer::saying(sent.clone()).await;
        let app = app(builder().service_dependency("users", peer.address.to_string()));
        let health = get(&app, "/z/health").await;
        let sent = String::from_utf8_lossy(&sent);
        assert_eq!(parsed(&health)["components"]["users"]["status"], status, "{sent}");
        assert_eq!(health.status, if status == "UP" { 200 } else { 503 }, "{sent}");
    }
}

#[tokio::test]
async fn a_dependency_that_cannot_be_reached_is_down_and_logged_with_url_and_reason() {
    let printed = Printed::default();
    let _guard = printed.capture(Level::INFO);
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    let app = app(builder().service_dependency("users", address.to_string()));
    assert_eq!(get(&app, "/z/health").await.status, 503);
    let log = printed.text();
    let told = format!("users at http://{address}/z/health DOWN: cannot connect");
    assert!(log.contains(&told), "{log}");
}

#[tokio::test]
async fn a_dependency_that_is_down_is_logged_with_url_check_code_and_reason() {
    let printed = Printed::default();
    let _guard = printed.capture(Level::INFO);
    let peer = Peer::saying(answer(503, "application/json", r#"{"status":"DOWN"}"#)).await;
    let app = app(builder()
        .service_dependency("users", Dependency::new(peer.address.to_string()).readiness()));
    assert_eq!(get(&app, "/z/health").await.status, 503);
    assert_eq!(get(&app, "/z/health/readiness").await.status, 503);
    let log = printed.text();
    for url in ["/z/health", "/z/health/readiness"] {
        let told =
            format!("users at http://{}{url} DOWN: answered 503 with status DOWN", peer.address);
        assert!(log.contains(&told), "{told}: {log}");
    }
}
