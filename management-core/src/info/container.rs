//! The container of this process.

use super::mountinfo::Mount;

/// The container's id, from the texts of `/proc/self/cgroup` and `/proc/self/mountinfo`.
///
/// The containers of a pod share files of its sandbox, which is a container as well. Its id is never returned.
pub(super) fn id(cgroup: &str, mounts: &[Mount], in_kubernetes: bool) -> Option<String> {
    let own = cgroup.lines().find_map(|line| {
        let path = line.splitn(3, ':').nth(2)?;
        in_segment(path.rsplit('/').next()?)
    });
    // In a cgroup namespace of its own, as with version 2, a container sees itself at `/`.
    let id = own
        .or_else(|| mounts.iter().filter(|mount| is_cgroup(mount)).find_map(in_cgroup_root))
        // CRI-O and Podman: this is the only one of these files that never belongs to the sandbox.
        .or_else(|| roots(mounts).find_map(|root| folder_before(root, "/userdata/run/secrets")))
        .or_else(|| if in_kubernetes { None } else { in_container_file(mounts) });
    id.map(str::to_owned)
}

fn is_cgroup(mount: &Mount) -> bool {
    matches!(mount.kind.as_str(), "cgroup" | "cgroup2") && mount.point.starts_with("/sys/fs/cgroup")
}

fn in_cgroup_root(mount: &Mount) -> Option<&str> {
    // The last one: a container may run in a container.
    mount.root.rsplit('/').find_map(in_segment)
}

/// Docker and Podman mount a few files from a folder whose name is the id.
fn in_container_file(mounts: &[Mount]) -> Option<&str> {
    ["/userdata/.containerenv", "/userdata/hostname", "/hostname"]
        .into_iter()
        .find_map(|file| roots(mounts).find_map(|root| folder_before(root, file)))
}

fn roots(mounts: &[Mount]) -> impl Iterator<Item = &str> {
    mounts.iter().map(|mount| mount.root.as_str())
}

/// The id in `…containers/{id}{file}`, such as `/var/lib/docker/containers/{id}/hostname`.
fn folder_before<'a>(root: &'a str, file: &str) -> Option<&'a str> {
    let (folders, id) = root.strip_suffix(file)?.rsplit_once('/')?;
    (folders.ends_with("containers") && is_id(id)).then_some(id)
}

/// The id in `{id}`, `docker-{id}.scope`, `x.slice:cri-containerd:{id}` and the like.
fn in_segment(segment: &str) -> Option<&str> {
    let last = segment.rsplit(':').next()?;
    let last = last.rsplit('-').next()?;
    let id = last.split('.').next()?;
    is_id(id).then_some(id)
}

/// The ids of all runtimes are 32 random bytes. A shorter text is something else: a pod's uid without hyphens, a session,
/// an ECS task.
fn is_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_found_in_a_segment() {
        let id = &"0123456789abcdef".repeat(4);
        for segment in [
            id.clone(),
            format!("docker-{id}.scope"),
            format!("crio-{id}"),
            format!("kubepods-burstable-pod0a_1b.slice:cri-containerd:{id}"),
            format!("{id}.anything"),
        ] {
            assert_eq!(in_segment(&segment), Some(id.as_str()), "{segment}");
        }
        for segment in [
            "",
            "user.slice",
            "session-4.scope",
            "init.scope",
            &id[1..],
            &format!("0{id}"),
            &id.to_uppercase(),
            &format!("{}g", &id[1..]),
            &format!("{id}-conmon"),
            "pod0123456789abcdef0123456789abcdef",
            "5d4f8c7b-9abc-4def-8123-456789abcdef",
        ] {
            assert_eq!(in_segment(segment), None, "{segment}");
        }
    }
}
