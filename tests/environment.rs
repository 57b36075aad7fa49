//! What the environment of a program sets.

use serde_json::{Value, json};
use support::{PATIENCE, Peer, Program, answer};
use tokio::io::AsyncReadExt;

const UP: &str = r#"200 {"status":"UP"}"#;

/// The program's answer to one path, with these variables.
pub(crate) async fn told(path: &str, variables: &[(&str, &str)]) -> String {
    let program = Program::configured(&[path]);
    variables.iter().fold(program, |program, (name, value)| program.env(name, value)).line().await
}

pub(crate) async fn told_info(variables: &[(&str, &str)]) -> Value {
    let line = told("/z/info", variables).await;
    serde_json::from_str(line.strip_prefix("200 ").expect(&line)).expect(&line)
}

// Each variable of the table has an effect.

#[tokio::test]
async fn management_prefix() {
    assert_eq!(told("/admin/health/alive", &[("MANAGEMENT_PREFIX", "/admin")]).await, UP);
    assert_eq!(told("/z/health/alive", &[("MANAGEMENT_PREFIX", "/admin")]).await, "no route");
}

#[tokio::test]
async fn management_endpoints() {
    let off = [("MANAGEMENT_ENDPOINTS", r#"{"info": false, "liveness": false}"#)];
    assert_eq!(told("/z/info", &off).await, "no route");
    for name in ["liveness", "%6civeness"] {
        assert!(told(&format!("/z/health/{name}"), &off).await.starts_with("404 "), "{name}");
    }
    assert_eq!(told("/z/health/alive", &off).await, UP);
}

const DETAILS: (&str, &str) = ("MANAGEMENT_SHOW_DETAILS", "always");

#[tokio::test]
async fn management_timeout() {
    let hanging = told("/z/health/hanging", &[DETAILS, ("MANAGEMENT_TIMEOUT", "10ms")]).await;
    assert!(hanging.contains(r#""status":"DOWN""#) && hanging.contains("10ms"), "{hanging}");
}

#[tokio::test]
async fn management_ttl() {
    let runs = async |ttl: &str| {
        let program = Program::configured(&["/z/health/counted"; 2]);
        let lines = program.env("MANAGEMENT_TTL", ttl).env(DETAILS.0, DETAILS.1).lines().await;
        lines.iter().map(|line| line.contains(r#""run":2"#)).collect::<Vec<_>>()
    };
    assert_eq!(runs("0s").await, [false, true]);
    assert_eq!(runs("1h").await, [false, false]);
}

#[tokio::test]
async fn management_interval() {
    let program = Program::configured(&["unasked:counted", "unasked:counted"]);
    let lines = program.env("MANAGEMENT_INTERVAL", "1ms").lines().await;
    assert_eq!(lines, ["counted"; 2]);
}

#[tokio::test]
async fn management_retry() {
    let program = Program::configured(&["unasked:db"; 3]).env("MANAGEMENT_INTERVAL", "1h");
    assert_eq!(program.env("MANAGEMENT_RETRY", "1ms").lines().await, ["db"; 3]);
}

#[tokio::test]
async fn management_valid_for() {
    let program = Program::configured(&[]).env("MANAGEMENT_VALID_FOR", "2s");
    let refusal = program.refusal().await;
    assert!(refusal.contains("`valid_for` is 2s, less than `ttl` (1s) plus"), "{refusal}");
    let long = [("MANAGEMENT_VALID_FOR", "2s"), ("MANAGEMENT_TIMEOUT", "1s")];
    assert_eq!(told("/z/health/alive", &long).await, UP);
}

const HEALTH: &str = "/z/health?exclude=hanging&exclude=counted&exclude=relapsing";

#[tokio::test]
async fn management_critical() {
    assert!(told(HEALTH, &[]).await.starts_with(r#"503 {"status":"DOWN""#));
    let health = told(HEALTH, &[("MANAGEMENT_CRITICAL", "false")]).await;
    assert!(health.starts_with(r#"200 {"status":"DEGRADED""#), "{health}");
}

#[tokio::test]
async fn management_fail_after() {
    let (up, down) = (UP, r#"503 {"status":"DOWN"}"#);
    let degraded = r#"200 {"status":"DEGRADED"}"#;
    let of_one = r#"{"relapsing": {"fail_after": 3}}"#;
    for (variables, expected) in [
        ([("MANAGEMENT_FAIL_AFTER", ""), ("MANAGEMENT_CHECKS", "")], [up, down, down, down]),
        ([("MANAGEMENT_FAIL_AFTER", "2"), ("MANAGEMENT_CHECKS", "")], [up, degraded, down, down]),
        (
            [("MANAGEMENT_FAIL_AFTER", "2"), ("MANAGEMENT_CHECKS", of_one)],
            [up, degraded, degraded, down],
        ),
    ] {
        let program = Program::configured(&["/z/health/relapsing"; 4]);
        let program =
            variables.iter().fold(program, |program, (name, value)| program.env(name, value));
        assert_eq!(program.lines().await, expected, "{variables:?}");
    }
}

#[tokio::test]
async fn management_checks_enabled() {
    let off = [("MANAGEMENT_CHECKS", r#"{"db": {"enabled": false}, "alive": {"enabled": true}}"#)];
    let health = told(HEALTH, &off).await;
    let up = json!({"status": "UP"});
    let body: Value = serde_json::from_str(health.strip_prefix("200 ").expect(&health)).unwrap();
    assert_eq!(body["components"], json!({"alive": up, "begun": up, "cache": up}));
    assert!(told("/z/health/db", &off).await.starts_with("404 "));
}

#[tokio::test]
async fn management_checks_critical() {
    let checks = [("MANAGEMENT_CHECKS", r#"{"db": {"critical": false}}"#)];
    assert!(told(HEALTH, &checks).await.starts_with(r#"200 {"status":"DEGRADED""#));
}

#[tokio::test]
async fn management_checks_of_each_kind() {
    for name in ["db", "cache", "alive", "begun"] {
        let checks = format!(r#"{{"{name}": {{"enabled": false}}}}"#);
        let gone = told(&format!("/z/health/{name}"), &[("MANAGEMENT_CHECKS", &checks)]).await;
        assert!(gone.starts_with("404 "), "{name}: {gone}");
    }
}

#[tokio::test]
async fn management_checks_durations() {
    let checks = [DETAILS, ("MANAGEMENT_CHECKS", r#"{"hanging": {"timeout": "10ms"}}"#)];
    let hanging = told("/z/health/hanging", &checks).await;
    assert!(hanging.contains("10ms"), "{hanging}");
    let checks = r#"{"counted": {"interval": "1ms"}}"#;
    let program = Program::configured(&["unasked:counted"; 2]).env("MANAGEMENT_CHECKS", checks);
    assert_eq!(program.lines().await.len(), 2);
    let checks = r#"{"db": {"ttl": "10s", "valid_for": "11s"}}"#;
    let refusal = Program::configured(&[]).env("MANAGEMENT_CHECKS", checks).refusal().await;
    assert!(refusal.contains("check `db`") && refusal.contains("`valid_for` is 11s"), "{refusal}");
}

#[tokio::test]
async fn management_checks_of_no_check_are_refused() {
    let checks = r#"{"bd": {"critical": false}}"#;
    let refusal = Program::configured(&[]).env("MANAGEMENT_CHECKS", checks).refusal().await;
    assert!(refusal.contains("`checks.bd`: unknown check `bd`; did you mean `db`?"), "{refusal}");
}

/// By default, a probe is answered before a check that hangs is late.
#[tokio::test]
async fn management_probe_budget() {
    let budget = ("MANAGEMENT_PROBE_BUDGET", "30s");
    let waited = told("/z/health/readiness", &[budget, ("MANAGEMENT_TIMEOUT", "1500ms")]).await;
    assert_eq!(waited, r#"503 {"status":"DOWN"}"#);
}

/// By default, a check that hangs is late before the answer is given.
#[tokio::test]
async fn management_health_budget() {
    let hanging = told("/z/health/hanging", &[("MANAGEMENT_HEALTH_BUDGET", "1ms")]).await;
    assert_eq!(hanging, r#"503 {"status":"UNKNOWN"}"#);
}

#[tokio::test]
async fn management_show_details() {
    assert_eq!(told("/z/health/db", &[]).await, r#"503 {"status":"DOWN"}"#);
    assert!(told("/z/health/db", &[DETAILS]).await.contains(r#""error":"refused""#));
    assert!(!told("/z/health/db", &[(DETAILS.0, "never")]).await.contains("refused"));
}

#[tokio::test]
async fn management_status_codes() {
    let codes = [("MANAGEMENT_STATUS_CODES", r#"{"DOWN": 200}"#)];
    assert_eq!(told("/z/health/db", &codes).await, r#"200 {"status":"DOWN"}"#);
}

/// The value of the variable that makes this peer a dependency.
fn users(peer: &Peer) -> String {
    json!({"users": peer.address}).to_string()
}

const DEPENDENCIES: &str = "MANAGEMENT_SERVICE_DEPENDENCIES";

#[tokio::test]
async fn management_service_dependencies() {
    let (users, search) = (Peer::up().await, Peer::up().await);
    let dependencies = json!({
        "users": users.address,
        "search": {"url": format!("http://{}/h", search.address), "headers": {"x-team": "shop"}},
    });
    let set = [(DEPENDENCIES, &*dependencies.to_string())];
    assert_eq!(told("/z/health/users", &set).await, UP);
    assert_eq!(told("/z/health/search", &set).await, UP);
    assert_eq!(
        (users.targets(), search.targets()),
        (vec!["GET /z/health".into()], vec!["GET /h".into()])
    );
    assert_eq!(search.header("x-team").as_deref(), Some("shop"));
}

#[tokio::test]
async fn management_cascade() {
    let peer = Peer::saying(answer(503, "application/json", r#"{"status":"DOWN"}"#)).await;
    let readiness = "/z/health/readiness?exclude=hanging";
    assert_eq!(told(readiness, &[(DEPENDENCIES, &users(&peer))]).await, UP);
    assert_eq!(peer.asked().len(), 0);
    let cascade = ("MANAGEMENT_CASCADE", r#"{"readiness": ["users"]}"#);
    let down = told(readiness, &[(DEPENDENCIES, &users(&peer)), cascade]).await;
    assert_eq!(down, r#"503 {"status":"DOWN"}"#);
    assert_eq!(peer.targets(), ["GET /z/health/readiness"]);
}

/// A TLS handshake begins with byte 22.
#[tokio::test]
async fn preferred_url_scheme_and_scheme() {
    for (variable, scheme, first) in [
        ("PREFERRED_URL_SCHEME", "https", 22),
        ("SCHEME", "https", 22),
        ("PREFERRED_URL_SCHEME", "http", b'G'),
    ] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let dependencies = json!({"users": listener.local_addr().unwrap()}).to_string();
        let set = [(DEPENDENCIES, &*dependencies), (variable, scheme)];
        let health = told("/z/health/users", &set);
        let first_byte = async { listener.accept().await.unwrap().0.read_u8().await.unwrap() };
        let (health, got) =
            tokio::time::timeout(PATIENCE, async { tokio::join!(health, first_byte) })
                .await
                .unwrap();
        assert_eq!((got, &*health), (first, r#"503 {"status":"DOWN"}"#), "{variable}={scheme}");
    }
    let program =
        Program::configured(&[]).env(DEPENDENCIES, r#"{"users": "h"}"#).env("SCHEME", "ftp");
    let refusal = program.refusal().await;
    assert!(refusal.contains("is \"ftp\": set it to http or https"), "{refusal}");
}

#[tokio::test]
async fn management_dependency_files() {
    for variable in
        ["MANAGEMENT_DEPENDENCY_CA_FILE", "MANAGEMENT_DEPENDENCY_CLIENT_CERTIFICATE_FILE"]
    {
        let program = Program::configured(&[])
            .env(DEPENDENCIES, r#"{"users": "https://h/health"}"#)
            .env(variable, "/nonexistent.pem");
        let refusal = program.refusal().await;
        assert!(refusal.contains("/nonexistent.pem cannot be read"), "{variable}: {refusal}");
    }
}

#[tokio::test]
async fn management_dependency_environment_proxies() {
    let proxy = Peer::up().await;
    let url = format!("http://{}", proxy.address);
    let users = (DEPENDENCIES, r#"{"users": "h:8000"}"#);
    let obeyed = ("MANAGEMENT_DEPENDENCY_ENVIRONMENT_PROXIES", "true");
    assert_eq!(told("/z/health/users", &[users, ("HTTP_PROXY", &url), obeyed]).await, UP);
    assert_eq!(proxy.targets(), ["GET http://h:8000/z/health"]);
}

#[tokio::test]
async fn management_info_keys() {
    let keys = [("MANAGEMENT_INFO_KEYS", r#"["visits", "service.name"]"#)];
    let expected = json!({"trace.attributes": {"service.name": "configured"}, "visits": 3});
    assert_eq!(told_info(&keys).await, expected);
}

#[tokio::test]
async fn management_service_instance_id_and_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let place = ("MANAGEMENT_SERVICE_INSTANCE_ID_FOLDER", folder.path().to_str().unwrap());
    told_info(&[place]).await;
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none());
    let info = told_info(&[place, ("MANAGEMENT_SERVICE_INSTANCE_ID", "true")]).await;
    let kept = std::fs::read_to_string(folder.path().join("instance-id-configured")).unwrap();
    assert_eq!(info["trace.attributes"]["service.instance.id"], kept.trim());
}

#[tokio::test]
async fn management_process_command_line() {
    let shown = [("MANAGEMENT_PROCESS_COMMAND_LINE", "true")];
    let line = &told_info(&shown).await["trace.attributes"]["process.command_line"];
    assert_eq!(line, &format!("{} /z/info", env!("CARGO_BIN_EXE_configured")));
}

#[tokio::test]
async fn management_machine_id() {
    let id = &told_info(&[("MANAGEMENT_MACHINE_ID", "true")]).await["trace.attributes"];
    // A container often has no machine id.
    let file = std::fs::read_to_string("/etc/machine-id").unwrap_or_default();
    let is_there = !matches!(file.lines().next().map(str::trim), None | Some("" | "uninitialized"));
    assert_eq!(id.get("machine.id").is_some(), is_there);
}

// The order of precedence.

/// The name, the path and the status of a service in which `db` is down.
async fn layered(arguments: &[&str], variables: &[(&str, &str)], prefix: &str) -> (Value, String) {
    let paths = [format!("{prefix}/info"), format!("{prefix}{}", HEALTH.trim_start_matches("/z"))];
    let program =
        arguments.iter().fold(Program::configured(&[]), |program, argument| program.arg(argument));
    let program = program.arg(&paths[0]).arg(&paths[1]);
    let lines = variables.iter().fold(program, |program, (name, value)| program.env(name, value));
    let lines = lines.lines().await;
    let body = |line: &str| -> Value {
        serde_json::from_str(line.split_once(' ').expect(line).1).expect(line)
    };
    let status = body(&lines[1])["status"].as_str().unwrap().to_owned();
    (body(&lines[0])["app"]["name"].take(), status)
}

#[tokio::test]
async fn the_builder_comes_before_the_environment_and_that_before_the_configuration() {
    let given = r#"config:{"name": "given", "prefix": "/given", "critical": false}"#;
    let variables = [
        ("OTEL_SERVICE_NAME", "variable"),
        ("MANAGEMENT_PREFIX", "/variable"),
        ("MANAGEMENT_CRITICAL", "true"),
    ];
    let own = ["name:own", "prefix:/own", "critical:false", given];
    let said = |name: &str, status: &str| (json!(name), status.to_owned());
    assert_eq!(layered(&[], &[], "/z").await, said("configured", "DOWN"));
    assert_eq!(layered(&[given], &[], "/given").await, said("given", "DEGRADED"));
    assert_eq!(layered(&[given], &variables, "/variable").await, said("variable", "DOWN"));
    assert_eq!(layered(&own, &variables, "/own").await, said("own", "DEGRADED"));
}
