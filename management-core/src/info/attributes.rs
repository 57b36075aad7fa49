//! The attributes of this process, under the names of OpenTelemetry's resource attributes.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::instance_id::InstanceId;
use super::{
    container, executable, file, host, kubernetes, mountinfo, os, process, resource_attributes,
};
use crate::config::environment::Environment;
use crate::text::secret::Names;

/// The names of the service, and the attributes that are read only on request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// The service's name from the program.
    pub(crate) name: Option<String>,
    /// The service's name if neither the program nor the environment has one.
    pub(crate) default_name: Option<String>,
    /// `process.command_line`.
    pub(crate) command_line: bool,
    /// The names whose values are masked in the command line and in attributes from the environment.
    pub(crate) secrets: Names,
    /// `machine.id` and, outside of containers, `host.id`.
    pub(crate) machine_id: bool,
    /// `service.instance.id`.
    pub(crate) instance_id: Option<InstanceId>,
}

const SERVICE_NAME: &str = "service.name";
const SERVICE_VERSION: &str = "service.version";
const SERVICE_INSTANCE_ID: &str = "service.instance.id";
const PROCESS_ID: &str = "process.pid";

/// The attributes that a process can have, apart from those of `OTEL_RESOURCE_ATTRIBUTES`.
const KEYS: [&str; 31] = [
    "container.id",
    "host.arch",
    "host.hostname",
    "host.id",
    "host.name",
    "k8s.container.name",
    "k8s.cronjob.name",
    "k8s.daemonset.name",
    "k8s.deployment.name",
    "k8s.job.name",
    "k8s.namespace.name",
    "k8s.node.name",
    "k8s.pod.name",
    "k8s.pod.uid",
    "k8s.replicaset.name",
    "k8s.statefulset.name",
    "machine.id",
    "os.description",
    "os.name",
    "os.type",
    "os.version",
    "process.command_line",
    "process.executable.name",
    "process.executable.path",
    PROCESS_ID,
    "process.runtime.description",
    "process.runtime.name",
    "process.runtime.version",
    SERVICE_INSTANCE_ID,
    SERVICE_NAME,
    SERVICE_VERSION,
];

/// The attributes of this process.
#[derive(Clone, Debug)]
pub(crate) struct Attributes {
    service_name: String,
    /// The attributes that do not change.
    fixed: BTreeMap<Cow<'static, str>, Value>,
    /// The variables for the name of the host, which can change while the process runs.
    environment: Environment,
    /// The attributes of `OTEL_RESOURCE_ATTRIBUTES`, which take precedence.
    listed: BTreeMap<String, String>,
}

impl Attributes {
    /// Reads the attributes that do not change. The files are those below `root`, which is `/` except in tests.
    pub(crate) fn read(root: &Path, environment: &Environment, wanted: &Wanted) -> Self {
        let listed = resource_attributes::read(environment, &wanted.secrets);
        let service_name = wanted
            .name
            .clone()
            .or_else(|| environment.get("OTEL_SERVICE_NAME"))
            .or_else(|| listed.get(SERVICE_NAME).cloned())
            .or_else(|| wanted.default_name.clone())
            .unwrap_or_else(executable);

        let text = |path: &str| file::text(&root.join(path)).unwrap_or_default();
        let mounts = mountinfo::parse(&text("proc/self/mountinfo"));
        let in_kubernetes = kubernetes::is_around(root, environment, &mounts);
        let container = container::id(&text("proc/self/cgroup"), &mounts, in_kubernetes);
        let in_container = in_kubernetes
            || container.is_some()
            || [".dockerenv", "run/.containerenv"].iter().any(|file| root.join(file).exists());
        let host = host::read(environment, host::name(environment));
        let host_name = host.iter().find(|(key, _)| *key == "host.hostname");
        let host_name = host_name.and_then(|(_, name)| name.as_deref());
        let pod = kubernetes::read(root, environment, &mounts, host_name, &listed);
        let machine_id = wanted.machine_id.then(|| host::machine_id(root)).flatten();
        let instance_id = wanted
            .instance_id
            .as_ref()
            .filter(|_| !listed.contains_key(SERVICE_INSTANCE_ID))
            .and_then(|instance| instance.read(&service_name, environment));
        let command_line = wanted
            .command_line
            .then(|| process::command_line(std::env::args_os(), &wanted.secrets));

        let mut fixed: BTreeMap<Cow<'static, str>, Value> = [
            ("container.id", container),
            // The host of a container has another id than the machine id of the container.
            ("host.id", machine_id.clone().filter(|_| !in_container)),
            ("machine.id", machine_id),
            ("process.command_line", command_line.flatten()),
            (SERVICE_INSTANCE_ID, instance_id),
        ]
        .into_iter()
        .chain(os::read(root, os::description()))
        .chain(process::read())
        .chain(pod.into_iter().map(|(key, value)| (key, Some(value))))
        .filter_map(|(key, value)| Some((key.into(), value?.into())))
        .collect();
        fixed.insert(PROCESS_ID.into(), std::process::id().into());
        fixed.insert(SERVICE_NAME.into(), service_name.clone().into());
        let environment = environment.only(&host::VARIABLES);
        Attributes { service_name, fixed, environment, listed }
    }

    /// The name of this service.
    pub(crate) fn service_name(&self) -> &str {
        &self.service_name
    }

    /// An attribute of `OTEL_RESOURCE_ATTRIBUTES`.
    #[cfg(feature = "_series")]
    pub(crate) fn listed(&self, key: &str) -> Option<&str> {
        self.listed.get(key).map(String::as_str)
    }

    /// All attributes. `version` is the answer of `/version`.
    pub(crate) fn now(&self, version: Option<&str>) -> BTreeMap<Cow<'static, str>, Value> {
        let mut all = self.fixed.clone();
        let host = host::read(&self.environment, host::name(&self.environment));
        all.extend(host.into_iter().filter_map(|(key, value)| Some((key.into(), value?.into()))));
        let listed = self.listed.iter().filter(|(key, _)| *key != SERVICE_NAME);
        all.extend(listed.map(|(key, value)| (key.clone().into(), value.clone().into())));
        if let Some(version) = version {
            all.insert(SERVICE_VERSION.into(), version.into());
        }
        all
    }

    /// Whether an attribute can have this name, on this machine or on another.
    pub(crate) fn knows(&self, key: &str) -> bool {
        KEYS.contains(&key) || self.listed.contains_key(key)
    }
}

#[cfg(test)]
mod tests;
