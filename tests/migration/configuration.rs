//! Each key of the configuration, and each variable.

use std::time::Duration;

use axum::Router;
use axum::routing::get as on_get;
use management_axum::{Check, Dependency, Status, access_log};
use serde_json::json;
use support::{PATIENCE, Peer, Printed, Program, get};
use tokio::net::TcpListener;
use tracing::Level;

use super::{UP, app, builder, fixed, parsed, said};

#[tokio::test]
async fn service_dependencies_are_base_urls_or_hosts_with_ports() {
    let (one, other) = (Peer::up().await, Peer::up().await);
    let (url, host) = (format!("http://{}/admin/health", one.address), other.address.to_string());
    let given = builder().service_dependency("one", &*url).service_dependency("other", &*host);
    let config = json!({"service_dependencies": {"one": url, "other": host}});
    let configured = builder().config(serde_json::from_value(config).unwrap());
    for builder in [given, configured] {
        let health = parsed(&get(&app(builder), "/z/health").await);
        assert_eq!(
            health["components"],
            json!({"one": {"status": "UP"}, "other": {"status": "UP"}})
        );
    }
    assert_eq!(one.targets(), ["GET /admin/health"; 2]);
    assert_eq!(other.targets(), ["GET /z/health"; 2]);
}

#[tokio::test]
async fn there_are_no_service_dependencies_by_default() {
    let health = Program::answer("/z/health").line().await;
    assert_eq!(health, r#"200 {"status":"UP","components":{}}"#);
}

#[tokio::test]
async fn check_functions_for_health_are_up_where_they_return_true() {
    let app = app(builder()
        .check(Check::new("true", async || true))
        .check(Check::new("false", async || false))
        .check(Check::new("nothing", async || ()))
        .check(Check::new("ok", async || Ok::<_, String>(true)))
        .check(Check::new("error", async || Err::<(), _>("refused"))));
    let health = parsed(&get(&app, "/z/health").await);
    for (name, status) in
        [("true", "UP"), ("false", "DOWN"), ("nothing", "UP"), ("ok", "UP"), ("error", "DOWN")]
    {
        assert_eq!(health["components"][name]["status"], status, "{name}");
    }
    assert_eq!(said(&get(&app, "/z/health/readiness").await), (200, UP));
}

#[tokio::test]
async fn check_functions_for_readiness_are_part_of_health() {
    let app = app(builder().check(fixed("cache", Status::Down).readiness()));
    assert_eq!(get(&app, "/z/health/readiness").await.status, 503);
    let health = get(&app, "/z/health").await;
    assert_eq!(health.status, 503);
    assert_eq!(parsed(&health)["components"], json!({"cache": {"status": "DOWN"}}));
}

#[tokio::test]
async fn a_version_function_replaces_the_variable() {
    let app = app(builder().version_provider(async || "of the function"));
    assert_eq!(said(&get(&app, "/z/version").await), (200, "of the function"));
    let info = parsed(&get(&app, "/z/info").await);
    assert_eq!(info["app"]["version"], "of the function");
}

#[tokio::test]
async fn service_instance_id_is_off_by_default_and_can_be_enabled() {
    let folder = tempfile::tempdir().unwrap();
    let id = async |builder| {
        let info = parsed(&get(&app(builder), "/z/info").await);
        info["trace.attributes"].get("service.instance.id").cloned()
    };
    let builder = || builder().service_instance_id_folder(folder.path());
    assert_eq!(id(builder()).await, None);
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none(), "nothing is written");
    let enabled = id(builder().service_instance_id(true)).await.expect("an id");
    assert_eq!(enabled.as_str().map(str::len), Some(32));
}

#[tokio::test]
async fn the_prefix_is_z_by_default_and_any_other_by_configuration() {
    for (builder, prefix) in [
        (builder(), "/z"),
        (builder().prefix("/admin"), "/admin"),
        (builder().prefix("a/b"), "/a/b"),
        (builder().prefix(""), ""),
    ] {
        let app = app(builder);
        for path in [
            "/health",
            "/health/liveness",
            "/health/ping",
            "/health/readiness",
            "/info",
            "/version",
        ] {
            assert_eq!(get(&app, &format!("{prefix}{path}")).await.status, 200, "{prefix}{path}");
            assert_eq!(get(&app, &format!("/other{path}")).await.status, 404, "/other{path}");
        }
    }
}

#[tokio::test]
async fn no_log_hides_probes_that_were_answered_200_and_nothing_else() {
    let printed = Printed::default();
    let _guard = printed.capture(Level::INFO);
    let app = Router::new()
        .route("/z/other", on_get(async || "of the host"))
        .merge(app(builder().check(fixed("db", Status::Down))))
        .layer(access_log());
    for path in ["/z/health/liveness", "/z/health/readiness", "/z/info", "/z/version"] {
        assert_eq!(get(&app, path).await.status, 200, "{path}");
    }
    assert_eq!(printed.take(), [""; 0]);
    for (path, code) in
        [("/z/health", 503), ("/z/health/nobody", 404), ("/z/other", 200), ("/", 404)]
    {
        assert_eq!(get(&app, path).await.status, code, "{path}");
        let lines = printed.take();
        let [line] = &lines[..] else { panic!("{path}: {lines:?}") };
        assert!(line.contains(path) && line.ends_with(&format!("status={code}")), "{line}");
    }
}

/// A listener that nobody accepts from answers nothing, and refuses nothing either.
#[tokio::test]
async fn backend_timeout_is_the_deadline_of_a_dependency() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let dependency = Dependency::new(silent.local_addr().unwrap().to_string());
    let app = app(builder()
        .health_budget(PATIENCE)
        .service_dependency("users_api", dependency.timeout(Duration::from_millis(50))));
    let health = tokio::time::timeout(PATIENCE, get(&app, "/z/health")).await.expect("an answer");
    assert_eq!(health.status, 503);
    assert_eq!(parsed(&health)["components"], json!({"users_api": {"status": "DOWN"}}));
}

#[tokio::test]
async fn the_variable_version_is_read_for_info_too() {
    let info = Program::answer("/z/info").env("VERSION", "1.2.3").json().await;
    assert_eq!(info["app"]["version"], "1.2.3");
    assert_eq!(info["trace.attributes"]["service.version"], "1.2.3");
}

#[tokio::test]
async fn the_variables_hostname_and_namespace_are_read() {
    let program = Program::answer("/z/info").env("HOSTNAME", "told").env("NAMESPACE", "shop");
    let info = program.json().await;
    assert_eq!(info["trace.attributes"]["host.hostname"], "told");
    assert_eq!(info["trace.attributes"]["k8s.namespace.name"], "shop");
}

// `PREFERRED_URL_SCHEME` and `SCHEME` are in `urls`.
