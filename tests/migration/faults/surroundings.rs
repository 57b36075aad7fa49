//! What `/info` shows of the container, the pod and the process.

use std::fs;

use serde_json::Value;
use support::{Program, get};

use crate::migration::{app, builder, parsed};

// Ids of containers and names of pods are wrong.

/// With cgroup v2, `/proc/1/cpuset` holds a path and no id. The unit tests of `management-core` have the files of each
/// container runtime.
#[tokio::test]
async fn container_id_is_no_path() {
    let info = parsed(&get(&app(builder()), "/z/info").await);
    let id = info["trace.attributes"].get("container.id").and_then(Value::as_str);
    assert!(id.is_none_or(|id| !id.is_empty() && !id.contains('/')), "{id:?}");
}

/// The attributes of the pod that a program shows if its host has this name.
async fn pod(host_name: &str) -> Vec<(String, String)> {
    let around = Program::answer("/z/info").env("KUBERNETES_SERVICE_HOST", "10.96.0.1");
    let info = around.env("HOSTNAME", host_name).json().await;
    let attributes = info["trace.attributes"].as_object().unwrap();
    let told = attributes.iter().filter_map(|(key, value)| {
        let key = key.strip_prefix("k8s.")?.strip_suffix(".name")?;
        Some((key.to_owned(), value.as_str()?.to_owned()))
    });
    // The machine that runs this test may be in a cluster itself.
    told.filter(|(key, _)| !matches!(&**key, "namespace" | "node")).collect()
}

async fn names(host_name: &str, expected: &[(&str, &str)]) {
    let expected = expected.iter().map(|&(key, value)| (key.to_owned(), value.to_owned()));
    let mut expected: Vec<_> = expected.chain([("pod".into(), host_name.into())]).collect();
    expected.sort_unstable();
    assert_eq!(pod(host_name).await, expected, "{host_name}");
}

#[tokio::test]
async fn pods_of_workloads_with_hyphens_are_recognised() {
    let replicas = "shop-user-api-5d4f8c7b9";
    let workload = "shop-user-api";
    names(
        "shop-user-api-5d4f8c7b9-x7k2p",
        &[("container", workload), ("deployment", workload), ("replicaset", replicas)],
    )
    .await;
}

#[tokio::test]
async fn pods_of_stateful_sets_are_recognised() {
    names("user-db-0", &[("container", "user-db"), ("statefulset", "user-db")]).await;
}

#[tokio::test]
async fn pods_of_daemon_sets_are_recognised() {
    names("log-collector-x7k2p", &[("container", "log-collector")]).await;
}

#[tokio::test]
async fn pods_of_jobs_are_recognised() {
    names("import-x7k2p", &[("container", "import")]).await;
    names(
        "nightly-29912345-x7k2p",
        &[("container", "nightly"), ("cronjob", "nightly"), ("job", "nightly-29912345")],
    )
    .await;
}

#[tokio::test]
async fn pods_whose_hash_is_not_nine_long_are_recognised() {
    for hash in ["5d4f8c7b", "5d4f8c7b96"] {
        let replicas = format!("api-{hash}");
        let parts = [("container", "api"), ("deployment", "api"), ("replicaset", &*replicas)];
        names(&format!("{replicas}-x7k2p"), &parts).await;
    }
}

#[tokio::test]
async fn host_names_that_are_no_pods_of_a_workload_are_not_taken_for_them() {
    // Nine letters that form a word are no hash, and five are no random suffix.
    for host_name in ["shop-inventory-hello", "my-webserver-local", "api"] {
        names(host_name, &[]).await;
    }
    // Outside of Kubernetes there are no pods.
    let info = Program::answer("/z/info").env("HOSTNAME", "api-5d4f8c7b9-x7k2p").json().await;
    if !fs::exists("/var/run/secrets/kubernetes.io").unwrap() {
        assert_eq!(info["trace.attributes"].get("k8s.pod.name"), None);
    }
}

// `process.command_line` shows every argument.

#[tokio::test]
async fn the_command_line_is_shown_to_nobody_by_default() {
    let program = Program::answer("/z/info").arg("--password=hunter2");
    let line = program.line().await;
    assert!(!line.contains("hunter2") && !line.contains("process.command_line"), "{line}");
}

#[tokio::test]
async fn secrets_in_a_command_line_that_is_asked_for_are_masked() {
    let mut program =
        Program::answer("/z/info").env("MANAGEMENT_PROCESS_COMMAND_LINE", "true").arg("--port=80");
    for argument in ["--password=hunter2", "--token", "hunter2", "db://me:hunter2@h/", "-phunter2"]
    {
        program = program.arg(argument);
    }
    let line = program.json().await["trace.attributes"]["process.command_line"].take();
    let line = line.as_str().unwrap();
    assert!(line.contains("--port=80") && !line.contains("hunter2"), "{line}");
}
