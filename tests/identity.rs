//! Who a service is, and how much of it is shown.

use axum::Router;
use axum::http::StatusCode;
use management_axum::{Builder, Check, Config, Management};
use management_core::endpoint::Route;
use serde_json::{Value, json};
use support::{Program, get};

use super::environment::told_info;

fn builder() -> Builder {
    Management::builder()
}

fn app(builder: Builder) -> Router {
    management_axum::router(&builder.build().unwrap())
}

async fn info(builder: Builder) -> Value {
    let answer = get(&app(builder), "/z/info").await;
    serde_json::from_str(&answer.body).expect(&answer.body)
}

fn config(config: Value) -> Config {
    serde_json::from_value(config).unwrap()
}

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
    // Their order is that of serde_json, which depends on its features.
    keys.sort_unstable();
    keys
}

// Names.

#[tokio::test]
async fn the_name_is_that_of_the_first_who_says_one() {
    let name = async |variables: &[(&str, &str)]| {
        let info = told_info(variables).await;
        assert_eq!(info["app"]["name"], info["trace.attributes"]["service.name"]);
        info["app"]["name"].as_str().unwrap().to_owned()
    };
    let list = ("OTEL_RESOURCE_ATTRIBUTES", "service.name=listed");
    assert_eq!(name(&[]).await, "configured");
    assert_eq!(name(&[list]).await, "listed");
    assert_eq!(name(&[list, ("OTEL_SERVICE_NAME", "variable")]).await, "variable");
    let configured = || builder().config(config(json!({"name": "configured"})));
    assert_eq!(info(configured()).await["app"]["name"], "configured");
    assert_eq!(info(configured().name("of the builder")).await["app"]["name"], "of the builder");
}

#[tokio::test]
async fn attributes_of_the_environment_go_before_what_was_found() {
    let list =
        "os.name=Mine,deployment.environment.name=test,service.version=9,db.password=hunter2";
    let attributes = &told_info(&[("OTEL_RESOURCE_ATTRIBUTES", list)]).await["trace.attributes"];
    assert_eq!(attributes["os.name"], "Mine");
    assert_eq!(attributes["deployment.environment.name"], "test");
    assert_eq!(attributes["service.version"], "9");
    assert_eq!(attributes["db.password"], "***");
    let both = [("OTEL_RESOURCE_ATTRIBUTES", list), ("VERSION", "1.2.3")];
    assert_eq!(told_info(&both).await["trace.attributes"]["service.version"], "1.2.3");
}

#[tokio::test]
async fn the_version_is_at_three_places() {
    let info = info(builder().version_provider(async || "1.2.3")).await;
    assert_eq!(
        (&info["app"]["version"], &info["build"]["version"]),
        (&json!("1.2.3"), &json!("1.2.3"))
    );
    assert_eq!(info["trace.attributes"]["service.version"], "1.2.3");
    let failing = self::info(builder().version_provider(async || Err::<String, _>("no tag"))).await;
    assert_eq!((failing["app"].get("version"), failing.get("build")), (None, None));
}

// What is allowed.

fn contributing() -> Builder {
    builder()
        .name("shop")
        .version_provider(async || "1.2.3")
        .info_contributor("visits", async || Ok::<_, String>(3))
        .info_contributor("orders", async || Ok::<_, String>(4))
}

#[tokio::test]
async fn info_keys_allow_keys_of_the_whole() {
    let all = info(contributing()).await;
    assert_eq!(
        keys(&all),
        ["app", "build", "orders", "os", "process", "trace.attributes", "visits"]
    );
    let some = info(contributing().info_keys(["app", "build"])).await;
    assert_eq!(
        some,
        json!({"app": {"name": "shop", "version": "1.2.3"}, "build": {"version": "1.2.3"}})
    );
    let attributes = info(contributing().info_keys(["trace.attributes"])).await;
    assert_eq!(keys(&attributes), ["trace.attributes"]);
    assert_eq!(attributes["trace.attributes"]["service.name"], "shop");
    assert!(attributes["trace.attributes"].get("process.pid").is_some());
    assert_eq!(info(contributing().info_keys([""; 0])).await, json!({}));
}

#[tokio::test]
async fn info_keys_allow_single_attributes() {
    let some = info(contributing().info_keys(["service.name", "service.version"])).await;
    let attributes = json!({"service.name": "shop", "service.version": "1.2.3"});
    assert_eq!(some, json!({"trace.attributes": attributes}));
    // That it may be shown brings no attribute that is not there.
    assert_eq!(info(contributing().info_keys(["machine.id"])).await, json!({}));
}

#[tokio::test]
async fn info_keys_allow_contributors_and_do_not_run_the_others() {
    let some = contributing()
        .info_keys(["visits"])
        .info_contributor("secret", async || panic!("nobody asks") as Result<u8, String>);
    assert_eq!(info(some).await, json!({"visits": 3}));
}

#[tokio::test]
async fn an_unknown_info_key_is_refused() {
    let error = contributing().info_keys(["app", "vists"]).prefix("{").build().unwrap_err();
    assert!(error.is_invalid(), "{error}");
    let text = error.to_string();
    assert!(
        text.contains(
            "`info_keys`: unknown key `vists`; did you mean `visits`? Give a key of `/info`"
        ),
        "{text}"
    );
    assert_eq!(error.mistakes().len(), 2, "with the other one: {text}");
    // An attribute may be there on another machine.
    let elsewhere = info(contributing().info_keys(["deployment.environment.name"])).await;
    assert_eq!(elsewhere, json!({}));
    let program = Program::configured(&["/z/info"]).env("MANAGEMENT_INFO_KEYS", r#"["ap"]"#);
    assert!(program.refusal().await.contains("`info_keys`: unknown key `ap`; did you mean `app`?"));
}

// Endpoints that are switched off.

#[tokio::test]
async fn an_endpoint_that_is_switched_off_is_the_hosts_404() {
    for (route, paths) in [
        (Route::Health, &["/health"][..]),
        (Route::Info, &["/info"]),
        (Route::Version, &["/version"]),
        (Route::Named, &["/health/db", "/health/nobody", "/health/%64b"]),
    ] {
        let endpoints = app(builder().check(Check::new("db", async || ())).endpoint(route, false));
        let app = Router::new().merge(endpoints).fallback(async || StatusCode::IM_A_TEAPOT);
        for path in paths {
            let answer = get(&app, &format!("/z{path}")).await;
            assert_eq!(answer.status, StatusCode::IM_A_TEAPOT, "{route:?}: {path}");
        }
        assert_eq!(get(&app, "/z/health/liveness").await.status, 200, "{route:?}");
    }
}

#[tokio::test]
async fn a_probe_that_is_switched_off_is_404_however_it_is_written() {
    for (route, names) in [
        (Route::Liveness, &["liveness", "ping", "%6civeness", "%70ing", "liveness/"][..]),
        (Route::Readiness, &["readiness", "readines%73"]),
        (Route::Startup, &["startup", "%73tartup/"]),
    ] {
        let app = app(builder().check(Check::new("db", async || ())).endpoint(route, false));
        for name in names {
            let answer = get(&app, &format!("/z/health/{name}")).await;
            assert_eq!(answer.status, 404, "{route:?}: {name}");
        }
        assert_eq!(get(&app, "/z/health/db").await.status, 200, "{route:?}");
        assert_eq!(get(&app, "/z/health").await.status, 200, "{route:?}");
    }
}

// The instance id.

#[tokio::test]
async fn the_instance_id_is_one_for_all_processes_that_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let id = async |folder: &std::path::Path| {
        let program = Program::configured(&["/z/info"])
            .env("MANAGEMENT_SERVICE_INSTANCE_ID", "true")
            .env("MANAGEMENT_SERVICE_INSTANCE_ID_FOLDER", folder);
        let info = program.json().await;
        info["trace.attributes"]["service.instance.id"].as_str().expect("an id").to_owned()
    };
    // Two at once, and one after them.
    let (one, other) = tokio::join!(id(folder.path()), id(folder.path()));
    assert_eq!(one, other);
    assert_eq!(id(folder.path()).await, one);
    assert_ne!(id(tempfile::tempdir().unwrap().path()).await, one);
}

#[tokio::test]
async fn the_instance_id_is_absent_unless_asked_for() {
    let attributes = &told_info(&[]).await["trace.attributes"];
    for key in ["service.instance.id", "process.command_line", "machine.id", "host.id"] {
        assert_eq!(attributes.get(key), None, "{key}");
    }
}

#[tokio::test]
async fn the_instance_id_is_kept_where_systemd_says() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().to_str().unwrap();
    let variables = [("MANAGEMENT_SERVICE_INSTANCE_ID", "true"), ("STATE_DIRECTORY", state)];
    let id = told_info(&variables).await["trace.attributes"]["service.instance.id"].take();
    let kept = std::fs::read_to_string(folder.path().join("instance-id-configured")).unwrap();
    assert_eq!(id, kept.trim());
}

// OpenTelemetry.

#[tokio::test]
async fn the_resource_has_what_info_tells() {
    let management = builder()
        .name("shop")
        .version_provider(async || "1.2.3")
        .machine_id(true)
        .process_command_line(true)
        .build()
        .unwrap();
    let answer = get(&management_axum::router(&management), "/z/info").await;
    let info: Value = serde_json::from_str(&answer.body).unwrap();
    let attributes = info["trace.attributes"].as_object().unwrap();
    let resource = management.resource().await;
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut told: Vec<_> =
        attributes.iter().map(|(key, value)| (key.clone(), text(value))).collect();
    let mut found: Vec<_> =
        resource.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
    told.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, told);
}

#[tokio::test]
async fn the_resource_has_what_info_may_not_show() {
    let management = builder().name("shop").info_keys(["app"]).build().unwrap();
    let resource = management.resource().await;
    assert!(
        resource
            .iter()
            .any(|(key, value)| key.as_str() == "service.name" && value.as_str() == "shop")
    );
}
