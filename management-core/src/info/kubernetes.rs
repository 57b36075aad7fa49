//! Which pod this process is in, told without asking the API server.

use std::collections::BTreeMap;
use std::path::Path;

use super::file;
use super::mountinfo::Mount;
use super::pod_name::Workload;
use crate::config::environment::Environment;

/// The variables from which an attribute is taken, the first that there is. There are no standard
/// names for what the downward API tells: these are those of OpenTelemetry's operator, and the usual.
const VARIABLES: [(&str, &[&str]); 11] = [
    (
        "k8s.pod.name",
        &[
            "OTEL_RESOURCE_ATTRIBUTES_POD_NAME",
            "K8S_POD_NAME",
            "KUBERNETES_POD_NAME",
            "POD_NAME",
            "MY_POD_NAME",
        ],
    ),
    (
        "k8s.namespace.name",
        &[
            "NAMESPACE",
            "K8S_NAMESPACE_NAME",
            "K8S_NAMESPACE",
            "K8S_POD_NAMESPACE",
            "KUBERNETES_NAMESPACE",
            "POD_NAMESPACE",
            "MY_POD_NAMESPACE",
        ],
    ),
    (
        "k8s.node.name",
        &[
            "OTEL_RESOURCE_ATTRIBUTES_NODE_NAME",
            "K8S_NODE_NAME",
            "KUBERNETES_NODE_NAME",
            "NODE_NAME",
            "MY_NODE_NAME",
        ],
    ),
    (
        "k8s.pod.uid",
        &[
            "OTEL_RESOURCE_ATTRIBUTES_POD_UID",
            "K8S_POD_UID",
            "KUBERNETES_POD_UID",
            "POD_UID",
            "MY_POD_UID",
        ],
    ),
    ("k8s.container.name", &["K8S_CONTAINER_NAME", "CONTAINER_NAME"]),
    ("k8s.deployment.name", &["K8S_DEPLOYMENT_NAME"]),
    ("k8s.replicaset.name", &["K8S_REPLICASET_NAME"]),
    ("k8s.statefulset.name", &["K8S_STATEFULSET_NAME"]),
    ("k8s.daemonset.name", &["K8S_DAEMONSET_NAME"]),
    ("k8s.cronjob.name", &["K8S_CRONJOB_NAME"]),
    ("k8s.job.name", &["K8S_JOB_NAME"]),
];

/// Each says which workload it is, so that the pod's name need not be asked.
const WORKLOADS: [&str; 6] = [
    "k8s.deployment.name",
    "k8s.replicaset.name",
    "k8s.statefulset.name",
    "k8s.daemonset.name",
    "k8s.cronjob.name",
    "k8s.job.name",
];

const SERVICE_ACCOUNTS: [&str; 2] =
    ["var/run/secrets/kubernetes.io/serviceaccount", "run/secrets/kubernetes.io/serviceaccount"];

/// Whether kubelet started this process' container.
pub(super) fn is_around(root: &Path, environment: &Environment, mounts: &[Mount]) -> bool {
    environment.get("KUBERNETES_SERVICE_HOST").is_some()
        || SERVICE_ACCOUNTS.iter().any(|folder| root.join(folder).is_dir())
        || pod_uid(mounts).is_some()
        || container_name(mounts).is_some()
}

/// The attributes that begin with `k8s.`. Those in `told` are known from elsewhere already.
pub(super) fn read(
    root: &Path,
    environment: &Environment,
    mounts: &[Mount],
    host_name: Option<&str>,
    told: &BTreeMap<String, String>,
) -> BTreeMap<&'static str, String> {
    let in_kubernetes = is_around(root, environment, mounts);
    let mut found: BTreeMap<_, _> = VARIABLES
        .into_iter()
        .filter_map(|(key, names)| Some((key, variable(environment, names, in_kubernetes)?)))
        .collect();
    if !in_kubernetes {
        return found;
    }
    let mut add = |key: &'static str, value: Option<&str>| {
        if let Some(value) = value {
            found.entry(key).or_insert_with(|| value.to_owned());
        }
    };
    add("k8s.namespace.name", namespace(root).as_deref());
    add("k8s.pod.uid", pod_uid(mounts));
    add("k8s.container.name", container_name(mounts));

    let index = environment.get("JOB_COMPLETION_INDEX").filter(|index| is_name(index));
    let host_name = host_name.filter(|name| is_name(name) && !is_host_network(root));
    // The pods of an indexed job have a host name of their own.
    add("k8s.pod.name", host_name.filter(|_| index.is_none()));

    let pod = told.get("k8s.pod.name").or_else(|| found.get("k8s.pod.name")).cloned();
    let workload =
        pod.as_deref().or(host_name).and_then(|pod| Workload::of_pod(pod, index.as_deref()));
    if let Some(workload) = workload {
        let is_told = |key| told.contains_key(key) || found.contains_key(key);
        if !WORKLOADS.into_iter().any(is_told) {
            found.extend(workload.attributes().into_iter().map(|(key, name)| (key, name.into())));
        }
        // Usual where a pod has one container, and what this attribute has always been here.
        found.entry("k8s.container.name").or_insert_with(|| workload.name().into());
    }
    found
}

/// Names that could mean anything mean it only where Kubernetes is around; `NAMESPACE` is the
/// exception, which has always been taken.
fn variable(environment: &Environment, names: &[&str], in_kubernetes: bool) -> Option<String> {
    let is_clear = |name: &str| {
        name == "NAMESPACE"
            || ["K8S_", "KUBERNETES_", "OTEL_"].iter().any(|prefix| name.starts_with(prefix))
    };
    names
        .iter()
        .filter(|name| in_kubernetes || is_clear(name))
        .filter_map(|name| environment.get(name))
        .find(|value| is_name(value))
}

/// A name of any object in Kubernetes: an RFC 1123 subdomain.
fn is_name(text: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    text.len() <= 253
        && text.split('.').all(|label| {
            !label.is_empty()
                && label.bytes().all(is_inner)
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
}

fn namespace(root: &Path) -> Option<String> {
    SERVICE_ACCOUNTS
        .iter()
        .find_map(|folder| file::first_line(&root.join(folder).join("namespace")))
        .filter(|namespace| is_name(namespace))
}

/// With the node's network, a pod has the node's name. kubelet says so in the file it writes.
fn is_host_network(root: &Path) -> bool {
    file::first_line(&root.join("etc/hosts")).is_some_and(|line| {
        line.starts_with("# Kubernetes-managed") && line.contains("(host network)")
    })
}

/// From `…/pods/{uid}/etc-hosts`. What is no UUID there is a static pod's, whom the API server knows
/// by another.
fn pod_uid(mounts: &[Mount]) -> Option<&str> {
    let folder = root_of(mounts, "/etc/hosts")?.strip_suffix("/etc-hosts")?;
    let (pods, uid) = folder.rsplit_once('/')?;
    (pods.ends_with("/pods") && is_uuid(uid)).then_some(uid)
}

/// From `…/pods/{uid}/containers/{name}/{hash}`.
fn container_name(mounts: &[Mount]) -> Option<&str> {
    let root = root_of(mounts, "/dev/termination-log")?;
    let mut segments = root.rsplit('/').skip(1);
    let (name, containers) = (segments.next()?, segments.next()?);
    let pods = segments.nth(1)?;
    (containers == "containers" && pods == "pods" && is_name(name)).then_some(name)
}

fn root_of<'a>(mounts: &'a [Mount], point: &str) -> Option<&'a str> {
    // A later mount hides an earlier one.
    let mount = mounts.iter().rev().find(|mount| mount.point == point)?;
    Some(&mount.root)
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}

#[cfg(test)]
mod tests {
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
            vec![Mount { root: root.into(), point: point.into(), kind: "ext4".into() }]
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
}
