//! What the environment and the configuration set.

use std::os::unix::ffi::OsStrExt;

use management_axum::{Config, Status};
use serde_json::{Value, json};
use support::{Program, get};

use crate::migration::{UP, app, builder, fixed, parsed};

// The variables are read twice, and must be UTF-8.

#[tokio::test]
async fn info_and_version_tell_the_same_version() {
    let lines = Program::configured(&["/z/version", "/z/info"]).env("VERSION", " 1.2.3\n").lines();
    let lines = lines.await;
    assert_eq!(lines[0], "200 1.2.3");
    let info: Value = serde_json::from_str(lines[1].strip_prefix("200 ").unwrap()).unwrap();
    assert_eq!(info["app"]["version"], "1.2.3");
    assert_eq!(info["trace.attributes"]["service.version"], "1.2.3");
    let app = app(builder().version_provider(async || "of the function"));
    assert_eq!(get(&app, "/z/version").await.body, "of the function");
    let info = parsed(&get(&app, "/z/info").await);
    assert_eq!(info["trace.attributes"]["service.version"], "of the function");
}

#[tokio::test]
async fn variables_that_are_not_utf_8_make_no_500() {
    use std::ffi::OsStr;
    let odd = OsStr::from_bytes(b"1.\xff");
    let program = Program::configured(&["/z/version", "/z/info", "/z/health/alive"]);
    let lines =
        program.env("VERSION", odd).env("HOSTNAME", odd).env("NAMESPACE", odd).lines().await;
    assert_eq!(lines[0], "200 1.\u{fffd}");
    assert!(lines[1].starts_with("200 {") && lines[1].contains("\"version\":\"1.\u{fffd}\""));
    assert_eq!(lines[2], format!("200 {UP}"));
}

// Misspelt keys are ignored.

#[tokio::test]
async fn a_misspelt_key_is_refused_with_its_name() {
    for config in [
        json!({"chekcs": {}}),
        json!({"checks": {"db": {"tiemout": "1s"}}}),
        json!({"check_functions": {"helth": {}}}),
        json!({"service_dependencies": {"users": {"uri": "h"}}}),
    ] {
        let error = serde_json::from_value::<Config>(config.clone()).unwrap_err().to_string();
        assert!(error.contains("unknown "), "{config}: {error}");
    }
    let config = serde_json::from_value(json!({"checks": {"bd": {"critical": false}}})).unwrap();
    let error = builder().config(config).check(fixed("db", Status::Up)).build().unwrap_err();
    assert!(error.is_absent(), "{error}");
    assert!(
        error.to_string().contains("`checks.bd`: unknown check `bd`; did you mean `db`?"),
        "{error}"
    );
    let program = Program::answer("/z/health").env("MANAGEMENT_ENDPOINTS", r#"{"helth": true}"#);
    let refusal = program.refusal().await;
    assert!(refusal.contains("`MANAGEMENT_ENDPOINTS`") && refusal.contains("helth"), "{refusal}");
}
