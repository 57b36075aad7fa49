use super::*;
use crate::info::folder::tests::Scratch;

const AROUND: (&str, &str) = ("KUBERNETES_SERVICE_HOST", "10.96.0.1");

fn found(environment: &Environment, host_name: &str) -> Vec<(&'static str, String)> {
    let nowhere = Path::new("/nonexistent");
    read(nowhere, environment, &[], Some(host_name), &BTreeMap::new()).into_iter().collect()
}

fn owned(pairs: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    pairs.iter().map(|&(key, value)| (key, value.to_owned())).collect()
}

#[test]
fn a_host_name_is_no_pod_name_elsewhere() {
    assert_eq!(found(&Environment::default(), "api-5d4f8c7b9-x7k2p"), []);
    assert_eq!(
        found(&Environment::from([AROUND]), "api-5d4f8c7b9-x7k2p"),
        owned(&[
            ("k8s.container.name", "api"),
            ("k8s.deployment.name", "api"),
            ("k8s.pod.name", "api-5d4f8c7b9-x7k2p"),
            ("k8s.replicaset.name", "api-5d4f8c7b9"),
        ])
    );
}

#[test]
fn the_environment_goes_before_the_host_name() {
    let environment = Environment::from([
        AROUND,
        ("POD_NAME", "web-1"),
        ("K8S_NODE_NAME", "node-7"),
        ("NODE_NAME", "jenkins"),
        ("CONTAINER_NAME", "main"),
        ("POD_UID", "5d4f8c7b-9abc-4def-8123-456789abcdef"),
        ("POD_NAMESPACE", "shop"),
    ]);
    assert_eq!(
        found(&environment, "custom"),
        owned(&[
            ("k8s.container.name", "main"),
            ("k8s.namespace.name", "shop"),
            ("k8s.node.name", "node-7"),
            ("k8s.pod.name", "web-1"),
            ("k8s.pod.uid", "5d4f8c7b-9abc-4def-8123-456789abcdef"),
            ("k8s.statefulset.name", "web"),
        ])
    );
}

#[test]
fn elsewhere_only_clear_variables_are_taken() {
    let environment = Environment::from([
        ("NAMESPACE", "shop"),
        ("POD_NAME", "no"),
        ("NODE_NAME", "no"),
        ("CONTAINER_NAME", "no"),
        ("K8S_CLUSTER", "no"),
        ("K8S_NODE_NAME", "node"),
    ]);
    assert_eq!(
        found(&environment, "web-0"),
        owned(&[("k8s.namespace.name", "shop"), ("k8s.node.name", "node")])
    );
}

#[test]
fn what_is_no_name_is_passed_over() {
    let environment = Environment::from([
        AROUND,
        ("K8S_POD_NAME", "$(POD)"),
        ("POD_NAME", "pod"),
        ("NAMESPACE", "My Space"),
    ]);
    assert_eq!(found(&environment, "Host_Name"), owned(&[("k8s.pod.name", "pod")]));
    for (name, is) in [
        ("a", true),
        ("a-b.c-d", true),
        ("ip-10-0-1-23.ec2.internal", true),
        ("", false),
        (".", false),
        ("a..b", false),
        ("-a", false),
        ("a-", false),
        ("A", false),
        ("a_b", false),
        ("a/b", false),
    ] {
        assert_eq!(is_name(name), is, "{name}");
    }
    assert!(is_name(&"a".repeat(253)) && !is_name(&"a".repeat(254)));
}

#[test]
fn who_says_the_workload_is_believed() {
    let environment = Environment::from([AROUND, ("K8S_DAEMONSET_NAME", "agent")]);
    assert_eq!(
        found(&environment, "agent-5d4f8c7b9-x7k2p"),
        owned(&[
            ("k8s.container.name", "agent"),
            ("k8s.daemonset.name", "agent"),
            ("k8s.pod.name", "agent-5d4f8c7b9-x7k2p"),
        ])
    );
    let told = BTreeMap::from([("k8s.job.name".to_owned(), "x".to_owned())]);
    let environment = Environment::from([AROUND]);
    let found = read(Path::new("/nonexistent"), &environment, &[], Some("web-0"), &told);
    assert!(!found.contains_key("k8s.statefulset.name"), "{found:?}");
}

#[test]
fn the_pod_of_an_indexed_job_has_another_name_than_its_host() {
    let environment = Environment::from([AROUND, ("JOB_COMPLETION_INDEX", "3")]);
    assert_eq!(
        found(&environment, "import-3"),
        owned(&[("k8s.container.name", "import"), ("k8s.job.name", "import")])
    );
}

#[test]
fn a_node_is_no_pod() {
    let scratch = Scratch::new();
    std::fs::create_dir(scratch.path().join("etc")).unwrap();
    let pod = |hosts: &str| {
        std::fs::write(scratch.path().join("etc/hosts"), hosts).unwrap();
        let environment = Environment::from([AROUND]);
        read(scratch.path(), &environment, &[], Some("node-7"), &BTreeMap::new())
    };
    assert!(pod("# Kubernetes-managed hosts file (host network).\n127.0.0.1 x\n").is_empty());
    assert_eq!(pod("# Kubernetes-managed hosts file.\n")["k8s.pod.name"], "node-7");
}

#[test]
fn mounts_of_kubelet() {
    const UID: &str = "5d4f8c7b-9abc-4def-8123-456789abcdef";
    let mounts = |root: &str, point: &str| {
        vec![Mount {
            root: root.into(),
            point: point.into(),
            kind: "ext4".into(),
            options: String::new(),
        }]
    };
    for (root, uid) in [
        (format!("/var/lib/kubelet/pods/{UID}/etc-hosts"), Some(UID)),
        (format!("/pods/{UID}/etc-hosts"), Some(UID)),
        (format!("/pods/{UID}/volumes/etc-hosts"), None),
        (format!("/pots/{UID}/etc-hosts"), None),
        (format!("/pods/{}/etc-hosts", UID.replace('-', "")), None),
        ("/etc-hosts".into(), None),
        ("/".into(), None),
    ] {
        assert_eq!(pod_uid(&mounts(&root, "/etc/hosts")), uid, "{root}");
        assert_eq!(pod_uid(&mounts(&root, "/etc/other")), None, "{root}");
    }
    for (root, name) in [
        (format!("/var/lib/kubelet/pods/{UID}/containers/main/0a1b2c3d"), Some("main")),
        (format!("/pods/{UID}/containers/main"), None),
        (format!("/pods/{UID}/volumes/main/0a1b2c3d"), None),
        (format!("/x/{UID}/containers/main/0a1b2c3d"), None),
        ("/".into(), None),
    ] {
        assert_eq!(container_name(&mounts(&root, "/dev/termination-log")), name, "{root}");
        assert_eq!(container_name(&mounts(&root, "/dev/log")), None, "{root}");
    }
}
