use std::fs;

use super::*;
use crate::info::folder::tests::Scratch;

const CONTAINER: &str = "c047a14ec047a14ec047a14ec047a14ec047a14ec047a14ec047a14ec047a14e";
const SANDBOX: &str = "5a4db0c5";
const POD: &str = "5d4f8c7b-9abc-4def-8123-456789abcdef";
const MACHINE: &str = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";

type All = BTreeMap<Cow<'static, str>, Value>;

fn everything() -> Wanted {
    Wanted { command_line: true, machine_id: true, ..Wanted::default() }
}

fn read(root: &Path, environment: &Environment) -> All {
    Attributes::read(root, environment, &everything()).now(None)
}

fn fixture(runtime: &str) -> std::path::PathBuf {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/info/fixtures");
    let root = fixtures.join(runtime);
    assert!(root.join("proc/self/cgroup").exists(), "{runtime}");
    root
}

/// What begins with `container.` and `k8s.`.
fn surroundings(all: &All) -> Vec<(&str, &str)> {
    all.iter()
        .filter(|(key, _)| key.starts_with("container.") || key.starts_with("k8s."))
        .map(|(key, value)| (&**key, value.as_str().unwrap()))
        .collect()
}

#[test]
fn surroundings_of_each_runtime() {
    let container = ("container.id", CONTAINER);
    let named = ("k8s.container.name", "orders");
    let uid = ("k8s.pod.uid", POD);
    let shop = ("k8s.namespace.name", "shop");
    let deployed = [
        ("k8s.deployment.name", "orders"),
        ("k8s.pod.name", "orders-5d4f8c7b9-x7k2p"),
        ("k8s.replicaset.name", "orders-5d4f8c7b9"),
    ];
    let pod = "orders-5d4f8c7b9-x7k2p";
    let cases = [
        ("docker-v1", "c047a14ec047", vec![container]),
        ("docker-v1-systemd", "c047a14ec047", vec![container]),
        ("docker-v2", "c047a14ec047", vec![container]),
        // Named like a pod, but in none.
        ("docker-v2", pod, vec![container]),
        ("docker-v2-host-cgroup", "c047a14ec047", vec![container]),
        ("podman-v1", "c047a14ec047", vec![container]),
        ("podman-v2", "c047a14ec047", vec![container]),
        ("podman-pod-v2", "shop", vec![container]),
        ("podman-pod-v2-without-secrets", "shop", vec![container]),
        ("containerd-v1", pod, [&[container, named, uid, shop], &deployed[..]].concat()),
        ("containerd-v1-systemd", pod, [&[container, named, uid], &deployed[..]].concat()),
        ("containerd-v1-private", pod, [&[container, named, uid], &deployed[..]].concat()),
        ("containerd-v2", pod, [&[named, uid, shop], &deployed[..]].concat()),
        // The host name is the node's.
        ("containerd-2-host-network", "node-7", vec![("k8s.container.name", "agent"), uid]),
        ("crio-v1", pod, [&[container, named, uid], &deployed[..]].concat()),
        ("crio-v2", pod, [&[container, named, uid], &deployed[..]].concat()),
        ("crio-v2-without-secrets", pod, [&[named, uid], &deployed[..]].concat()),
        ("cri-dockerd-v1", pod, [&[container, named, uid], &deployed[..]].concat()),
        (
            "cri-dockerd-v2",
            "web-0",
            vec![named, uid, shop, ("k8s.pod.name", "web-0"), ("k8s.statefulset.name", "web")],
        ),
        ("systemd", "db-0", vec![]),
        ("node", pod, vec![]),
    ];
    for (runtime, host_name, mut expected) in cases {
        let all = read(&fixture(runtime), &Environment::from([("HOSTNAME", host_name)]));
        expected.sort_unstable();
        assert_eq!(surroundings(&all), expected, "{runtime} as {host_name}");
        let text = serde_json::to_string(&all).unwrap();
        assert!(!text.contains(SANDBOX), "{runtime} shows its sandbox: {text}");
    }
}

#[test]
fn every_fixture_is_tried() {
    let count = fs::read_dir(fixture("systemd").parent().unwrap())
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().path().is_dir())
        .count();
    assert_eq!(count, 20, "one runtime is tried twice");
}

#[test]
fn a_host_outside_of_containers_has_an_id() {
    let root = fixture("systemd");
    let all = read(&root, &Environment::default());
    for (key, value) in [
        ("host.id", MACHINE),
        ("machine.id", MACHINE),
        ("os.name", "Debian GNU/Linux"),
        ("os.version", "12"),
    ] {
        assert_eq!(all[key], value, "{key}");
    }
    let all = Attributes::read(&root, &Environment::default(), &Wanted::default()).now(None);
    for key in ["host.id", "machine.id", "process.command_line", "service.instance.id"] {
        assert!(!all.contains_key(key), "{key} is not wanted");
    }
}

#[test]
fn in_a_container_the_machine_is_not_the_host() {
    let all = read(&fixture("docker-v1-systemd"), &Environment::default());
    assert_eq!(all["machine.id"], MACHINE);
    assert!(!all.contains_key("host.id"), "{all:?}");
    for marker in [".dockerenv", "run/.containerenv"] {
        let scratch = Scratch::new();
        fs::create_dir_all(scratch.path().join("etc")).unwrap();
        fs::create_dir_all(scratch.path().join("run")).unwrap();
        fs::write(scratch.path().join("etc/machine-id"), MACHINE).unwrap();
        let all = read(scratch.path(), &Environment::default());
        assert_eq!(all["host.id"], MACHINE);
        fs::write(scratch.path().join(marker), "").unwrap();
        let all = read(scratch.path(), &Environment::default());
        assert_eq!(all["machine.id"], MACHINE);
        assert!(!all.contains_key("host.id"), "{marker}");
    }
}

#[test]
fn an_invalid_machine_id_is_left_out() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path().join("etc")).unwrap();
    for content in ["", "\n", "uninitialized\n"] {
        fs::write(scratch.path().join("etc/machine-id"), content).unwrap();
        let all = read(scratch.path(), &Environment::default());
        assert!(!all.contains_key("machine.id"), "{content:?}");
    }
}

#[test]
fn without_any_file_the_other_attributes_are_read() {
    let all = read(Path::new("/nonexistent"), &Environment::default());
    for key in ["host.arch", "os.type", "process.runtime.name", "process.command_line"] {
        assert!(all.contains_key(key), "{key} in {all:?}");
    }
    assert_eq!(all["process.pid"], std::process::id());
    assert_eq!(surroundings(&all), []);
}

#[test]
fn a_folder_in_place_of_a_file_is_skipped() {
    let scratch = Scratch::new();
    for path in ["proc/self/cgroup", "proc/self/mountinfo", "etc/machine-id", "etc/hosts"] {
        fs::create_dir_all(scratch.path().join(path)).unwrap();
    }
    let all = read(scratch.path(), &Environment::from([("KUBERNETES_SERVICE_HOST", "x")]));
    assert!(!all.contains_key("machine.id") && !all.contains_key("container.id"), "{all:?}");
}

#[test]
fn the_name_comes_from_the_first_source_that_has_one() {
    let name = |name: Option<&str>, environment: &Environment| {
        let wanted = Wanted { name: name.map(str::to_owned), ..Wanted::default() };
        let attributes = Attributes::read(Path::new("/nonexistent"), environment, &wanted);
        assert_eq!(attributes.now(None)[SERVICE_NAME], attributes.service_name());
        attributes.service_name().to_owned()
    };
    let list = ("OTEL_RESOURCE_ATTRIBUTES", "service.name=listed,a=1");
    let both = Environment::from([list, ("OTEL_SERVICE_NAME", "variable")]);
    assert_eq!(name(Some("builder"), &both), "builder");
    assert_eq!(name(None, &both), "variable");
    assert_eq!(name(None, &Environment::from([list])), "listed");
    assert_eq!(name(None, &Environment::default()), executable());
}

#[test]
fn the_list_wins_but_for_the_version_that_is_served() {
    let list = "service.version=1,os.name=Mine,team=shop,service.instance.id=i,db.secret=x";
    let environment = Environment::from([("OTEL_RESOURCE_ATTRIBUTES", list)]);
    let scratch = Scratch::new();
    let instance_id = Some(InstanceId { folder: Some(scratch.path().join("folder")) });
    let wanted = Wanted { instance_id, ..everything() };
    let attributes = Attributes::read(&fixture("systemd"), &environment, &wanted);
    let all = attributes.now(None);
    for (key, value) in [
        (SERVICE_VERSION, "1"),
        ("os.name", "Mine"),
        ("team", "shop"),
        (SERVICE_INSTANCE_ID, "i"),
        ("db.secret", "***"),
    ] {
        assert_eq!(all[key], value, "{key}");
    }
    assert_eq!(attributes.now(Some("2"))[SERVICE_VERSION], "2");
    assert!(!scratch.path().join("folder").exists(), "nobody asked for an id to be kept");
    assert!(attributes.knows("team") && attributes.knows("k8s.pod.name"));
    assert!(!attributes.knows("teams"));
}

#[test]
fn an_instance_has_its_id_when_it_is_wanted() {
    let scratch = Scratch::new();
    let instance_id = Some(InstanceId { folder: Some(scratch.path().into()) });
    let wanted = Wanted { name: Some("orders".into()), instance_id, ..Wanted::default() };
    let id = || {
        let attributes = Attributes::read(scratch.path(), &Environment::default(), &wanted);
        attributes.now(None)[SERVICE_INSTANCE_ID].clone()
    };
    assert_eq!(id(), id());
}

#[test]
fn every_key_is_known() {
    let variables = [
        ("KUBERNETES_SERVICE_HOST", "x"),
        ("K8S_NODE_NAME", "n"),
        ("K8S_DAEMONSET_NAME", "d"),
        ("K8S_CRONJOB_NAME", "c"),
        ("K8S_JOB_NAME", "j"),
        ("K8S_STATEFULSET_NAME", "s"),
        ("K8S_DEPLOYMENT_NAME", "d"),
        ("K8S_REPLICASET_NAME", "r"),
    ];
    for runtime in ["crio-v2", "systemd", "containerd-v2"] {
        let environment = if runtime == "systemd" {
            Environment::default()
        } else {
            Environment::from(variables)
        };
        for key in read(&fixture(runtime), &environment).keys() {
            assert!(KEYS.contains(&&**key), "{key}");
        }
    }
    assert!(KEYS.is_sorted());
}
