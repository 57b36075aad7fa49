//! How dependencies are asked.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use management_axum::{Dependency, Status};
use serde_json::json;
use support::{Peer, Program, get};

use super::{health_of, one};
use crate::migration::{UP, app, builder, fixed, parsed, said};

// Redirects, `.netrc` and `HTTP_PROXY` change where requests go and what they carry.

#[tokio::test]
async fn redirects_are_not_followed() {
    for code in [301, 302, 303, 307, 308] {
        let target = Peer::up().await;
        let redirecting = Peer::saying(format!(
            "HTTP/1.1 {code} Told\r\nLocation: http://{}/z/health\r\nContent-Length: 0\r\nConnection: \
             close\r\n\r\n",
            target.address
        ))
        .await;
        assert_eq!(health_of(&redirecting).await, (503, one("DOWN")));
        assert_eq!((redirecting.asked().len(), target.asked().len()), (1, 0), "{code}");
    }
}

#[tokio::test]
async fn credentials_of_a_netrc_are_not_sent() {
    let home = tempfile::tempdir().unwrap();
    let netrc = home.path().join(".netrc");
    fs::write(&netrc, "machine 127.0.0.1 login me password hunter2\ndefault login me password x\n")
        .unwrap();
    fs::set_permissions(&netrc, fs::Permissions::from_mode(0o600)).unwrap();
    let peer = Peer::up().await;
    let health = Program::answer("/z/health")
        .env("HOME", home.path())
        .env("NETRC", &netrc)
        .env("MANAGEMENT_SERVICE_DEPENDENCIES", json!({"users": peer.address}).to_string());
    assert_eq!(health.json().await, one("UP"));
    assert_eq!(peer.header("authorization"), None);
}

#[tokio::test]
async fn http_proxy_is_not_obeyed() {
    let (peer, proxy) = (Peer::up().await, Peer::up().await);
    let url = format!("http://{}", proxy.address);
    let program = Program::answer("/z/health")
        .env("MANAGEMENT_SERVICE_DEPENDENCIES", json!({"users": peer.address}).to_string());
    let names = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"];
    let program = names.iter().fold(program, |program, name| program.env(name, &url));
    assert_eq!(program.json().await, one("UP"));
    assert_eq!((peer.targets(), proxy.asked().len()), (vec!["GET /z/health".to_owned()], 0));
}

// A dependency with a check's name replaces it.

#[test]
fn a_dependency_with_a_checks_name_is_refused() {
    let error = builder()
        .service_dependency("db", "db-service:80")
        .check(fixed("db", Status::Down))
        .build()
        .unwrap_err();
    assert!(error.is_name_taken(), "{error}");
    assert!(error.to_string().contains("the service dependency `db` from "), "{error}");
}

// Dependencies are asked at `/z` whatever the own prefix is, and URLs are mangled.

async fn asked_at(given: impl Fn(&Peer) -> String, prefix: &str, target: &str) {
    let peer = Peer::up().await;
    let builder = builder().prefix(prefix).service_dependency("users", given(&peer));
    let health = get(&app(builder), &format!("{prefix}/health")).await;
    assert_eq!((health.status.as_u16(), parsed(&health)), (200, one("UP")));
    assert_eq!(peer.targets(), [format!("GET {target}")]);
}

#[tokio::test]
async fn dependencies_are_asked_under_the_own_prefix() {
    asked_at(|peer| peer.address.to_string(), "/admin", "/admin/health").await;
    asked_at(|peer| peer.address.to_string(), "", "/health").await;
}

#[tokio::test]
async fn a_scheme_in_upper_case_is_that_scheme() {
    asked_at(|peer| format!("HTTP://{}/Health", peer.address), "/z", "/Health").await;
}

#[tokio::test]
async fn a_host_that_begins_with_http_is_a_host() {
    let proxy = Peer::up().await;
    let program = Program::answer("/z/health")
        .env("HTTP_PROXY", format!("http://{}", proxy.address))
        .env("MANAGEMENT_DEPENDENCY_ENVIRONMENT_PROXIES", "true")
        .env("MANAGEMENT_SERVICE_DEPENDENCIES", r#"{"users": "httpbin:8000"}"#);
    assert_eq!(program.json().await, one("UP"));
    assert_eq!(proxy.targets(), ["GET http://httpbin:8000/z/health"]);
}

#[tokio::test]
async fn a_padded_host_is_trimmed() {
    asked_at(|peer| format!("  {}\n", peer.address), "/z", "/z/health").await;
}

#[tokio::test]
async fn a_query_stays_a_query() {
    asked_at(|peer| format!("http://{}/h?a=1&b=2", peer.address), "/z", "/h?a=1&b=2").await;
}

#[tokio::test]
async fn a_fragment_is_not_sent() {
    asked_at(|peer| format!("http://{}/h#top", peer.address), "/z", "/h").await;
    // A suffix of the path comes before the fragment.
    let peer = Peer::up().await;
    let builder = builder().service_dependency(
        "users",
        Dependency::new(format!("http://{}/h#top", peer.address)).readiness(),
    );
    assert_eq!(said(&get(&app(builder), "/z/health/readiness").await), (200, UP));
    assert_eq!(peer.targets(), ["GET /h/readiness"]);
}
