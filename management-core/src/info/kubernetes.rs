//! The pod of this process, found without the API server.

use std::collections::BTreeMap;
use std::path::Path;

use super::file;
use super::mountinfo::Mount;
use super::pod_name::Workload;
use crate::config::environment::Environment;

/// The variables of each attribute. The first one that is set counts. The downward API has no standard names for variables:
/// these are the names of OpenTelemetry's operator and other usual names.
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

/// The attributes that name the workload. If one is set, the name of the pod is not parsed.
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

/// Whether kubelet started the container of this process.
pub(super) fn is_around(root: &Path, environment: &Environment, mounts: &[Mount]) -> bool {
    environment.get("KUBERNETES_SERVICE_HOST").is_some()
        || SERVICE_ACCOUNTS.iter().any(|folder| root.join(folder).is_dir())
        || pod_uid(mounts).is_some()
        || container_name(mounts).is_some()
}

/// The attributes that begin with `k8s.`. Those in `listed` are already known from `OTEL_RESOURCE_ATTRIBUTES`.
pub(super) fn read(
    root: &Path,
    environment: &Environment,
    mounts: &[Mount],
    host_name: Option<&str>,
    listed: &BTreeMap<String, String>,
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

    let pod = listed.get("k8s.pod.name").or_else(|| found.get("k8s.pod.name")).cloned();
    let workload =
        pod.as_deref().or(host_name).and_then(|pod| Workload::of_pod(pod, index.as_deref()));
    if let Some(workload) = workload {
        let is_known = |key| listed.contains_key(key) || found.contains_key(key);
        if !WORKLOADS.into_iter().any(is_known) {
            found.extend(workload.attributes().into_iter().map(|(key, name)| (key, name.into())));
        }
        // This is the usual name in a pod with one container, and the former value of this attribute.
        found.entry("k8s.container.name").or_insert_with(|| workload.name().into());
    }
    found
}

/// The value of the first variable that is set and valid. Ambiguous names only count in Kubernetes, except `NAMESPACE`,
/// which always counts.
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

/// Whether an object in Kubernetes can have this name, which is an RFC 1123 subdomain.
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

/// Whether the pod uses the network of its node, and so the name of the node. kubelet writes this into the file.
fn is_host_network(root: &Path) -> bool {
    file::first_line(&root.join("etc/hosts")).is_some_and(|line| {
        line.starts_with("# Kubernetes-managed") && line.contains("(host network)")
    })
}

/// The uid in `…/pods/{uid}/etc-hosts`. For a static pod it is not a UUID, and the API server has another uid.
fn pod_uid(mounts: &[Mount]) -> Option<&str> {
    let folder = root_of(mounts, "/etc/hosts")?.strip_suffix("/etc-hosts")?;
    let (pods, uid) = folder.rsplit_once('/')?;
    (pods.ends_with("/pods") && is_uuid(uid)).then_some(uid)
}

/// The name in `…/pods/{uid}/containers/{name}/{hash}`.
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
mod tests;
