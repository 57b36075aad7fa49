//! Each key of `/info`, beside a source of its own. What containers and pods of other runtimes look
//! like from inside is tested with their files, in `management-core/src/info`.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};
use support::Program;

async fn attributes(program: Program) -> Value {
    program.json().await["trace.attributes"].take()
}

fn info() -> Program {
    Program::answer("/z/info")
}

/// What a program of the system prints.
fn told_by(program: &str, argument: &str) -> String {
    let output = Command::new(program).arg(argument).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn app_has_a_name_and_a_version_where_it_is_set() {
    let with = info().env("VERSION", "1.2.3").json().await;
    assert_eq!(with["app"], json!({"name": "answer", "version": "1.2.3"}));
    let without = info().json().await;
    assert_eq!(without["app"], json!({"name": "answer"}));
}

#[tokio::test]
async fn service_name_and_version() {
    let told = attributes(info().env("VERSION", "1.2.3")).await;
    assert_eq!(
        (&told["service.name"], &told["service.version"]),
        (&json!("answer"), &json!("1.2.3"))
    );
    let told = attributes(info()).await;
    assert_eq!((&told["service.name"], told.get("service.version")), (&json!("answer"), None));
}

#[tokio::test]
async fn host_arch_is_the_machine_in_the_words_of_opentelemetry() {
    let machine = told_by("uname", "-m");
    let arch = match &*machine {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    assert_eq!(attributes(info()).await["host.arch"], arch);
}

#[tokio::test]
async fn host_name_is_the_node_whatever_the_variable_says() {
    let node = told_by("uname", "-n");
    assert_eq!(attributes(info()).await["host.name"], *node);
    assert_eq!(attributes(info().env("HOSTNAME", "told")).await["host.name"], *node);
}

#[tokio::test]
async fn host_hostname_is_the_variable_else_the_name_of_the_host() {
    assert_eq!(attributes(info().env("HOSTNAME", "told")).await["host.hostname"], "told");
    assert_eq!(attributes(info()).await["host.hostname"], told_by("uname", "-n"));
    let empty = attributes(info().env("HOSTNAME", "")).await;
    assert_eq!(empty["host.hostname"], told_by("uname", "-n"));
}

#[tokio::test]
async fn os_description_and_type() {
    let told = attributes(info()).await;
    let (system, release) = (told_by("uname", "-s"), told_by("uname", "-r"));
    assert_eq!(told["os.description"], format!("{system} {release}"));
    assert_eq!(told["os.type"], system.to_lowercase());
}

#[tokio::test]
async fn process_pid_is_that_of_this_process() {
    use support::get;
    let answer = get(&super::app(super::builder()), "/z/info").await;
    let own: u32 = fs::read_link("/proc/self").unwrap().to_str().unwrap().parse().unwrap();
    assert_eq!(super::parsed(&answer)["trace.attributes"]["process.pid"], own);
}

#[tokio::test]
async fn process_command_line_is_that_of_this_process_where_it_is_asked_for() {
    let asked = info().env("MANAGEMENT_PROCESS_COMMAND_LINE", "true").arg("--port").arg("80");
    let program = env!("CARGO_BIN_EXE_answer");
    let line = format!("{program} /z/info --port 80");
    assert_eq!(attributes(asked).await["process.command_line"], line);
}

#[tokio::test]
async fn process_executable_path_is_that_of_this_process() {
    let path = fs::canonicalize(env!("CARGO_BIN_EXE_answer")).unwrap();
    assert_eq!(attributes(info()).await["process.executable.path"], path.to_str().unwrap());
}

#[tokio::test]
async fn process_runtime_is_the_compiler() {
    let told = attributes(info()).await;
    let compiler = told_by("rustc", "--version");
    assert_eq!(told["process.runtime.name"], "rustc");
    assert_eq!(told["process.runtime.description"], *compiler);
    assert_eq!(told["process.runtime.version"], compiler.split(' ').nth(1).unwrap());
}

#[tokio::test]
async fn machine_id_is_the_first_line_of_the_file_where_it_is_asked_for() {
    let file = fs::read_to_string("/etc/machine-id").unwrap_or_default();
    let line = file.lines().next().map(str::trim).filter(|id| !matches!(*id, "" | "uninitialized"));
    let told = attributes(info().env("MANAGEMENT_MACHINE_ID", "true")).await;
    assert_eq!(told.get("machine.id").and_then(Value::as_str), line);
}

#[tokio::test]
async fn container_id_is_one_that_the_kernel_tells_or_left_out() {
    let told = attributes(info()).await;
    let Some(id) = told.get("container.id") else { return };
    let id = id.as_str().unwrap();
    let read = |file| fs::read_to_string(file).unwrap_or_default();
    let known = read("/proc/self/mountinfo") + &read("/proc/self/cgroup");
    assert!(!id.contains('/') && id.len() >= 12 && known.contains(id), "{id}");
}

#[tokio::test]
async fn service_instance_id_is_a_uuid_without_dashes_that_survives_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let program =
        || info().env("MANAGEMENT_SERVICE_INSTANCE_ID", "true").env("TMPDIR", folder.path());
    let first = attributes(program()).await["service.instance.id"].take();
    let id = first.as_str().expect("an id");
    let is_hex = id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    assert!(id.len() == 32 && is_hex, "{id}");
    assert_eq!(attributes(program()).await["service.instance.id"], first);
}

#[tokio::test]
async fn k8s_pod_name_and_container_name_are_those_of_the_host_name() {
    let pod = "shop-5d4f8c7b9-x7k2p";
    let around = info().env("KUBERNETES_SERVICE_HOST", "10.96.0.1").env("HOSTNAME", pod);
    let told = attributes(around).await;
    assert_eq!((&told["k8s.pod.name"], &told["k8s.container.name"]), (&json!(pod), &json!("shop")));
    // Nine letters and digits, and five, as the Python package knows pods.
    let around = info().env("KUBERNETES_SERVICE_HOST", "10.96.0.1");
    let told = attributes(around.env("HOSTNAME", "shop-abc123def-a1b2c")).await;
    assert_eq!(told["k8s.pod.name"], "shop-abc123def-a1b2c");
    assert_eq!(told["k8s.container.name"], "shop");
}

#[tokio::test]
async fn k8s_namespace_name_is_the_variable() {
    let told = attributes(info().env("NAMESPACE", "shop")).await;
    assert_eq!(told["k8s.namespace.name"], "shop");
    assert_eq!(attributes(info().env("NAMESPACE", "")).await.get("k8s.namespace.name"), None);
}

/// The file is read by the same function that unit tests give long, empty and unreadable ones.
#[tokio::test]
async fn an_instance_id_file_that_is_empty_or_unreadable_leaves_the_rest_of_info() {
    for content in ["", "\n", "no id"] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("instance-id-answer"), content).unwrap();
        let told = attributes(
            info()
                .env("MANAGEMENT_SERVICE_INSTANCE_ID", "true")
                .env("MANAGEMENT_SERVICE_INSTANCE_ID_FOLDER", folder.path()),
        )
        .await;
        assert_eq!(told["service.name"], "answer");
        assert_eq!(told["service.instance.id"].as_str().map(str::len), Some(32), "{content:?}");
    }
}
