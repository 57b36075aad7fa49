//! Reads the memory controller of cgroups, as `cgroups(7)` describes them.

use std::fs;
use std::path::{Component, Path, PathBuf};

use management_core::__private::{Mount, parse_mounts};

/// From here on, a limit of version 1 means that there is none. It is the largest number of pages, whose size differs.
const NO_LIMIT: u64 = 1 << 62;

/// The working set and the limit, in bytes, as far as they are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    pub(super) working_set: Option<u64>,
    pub(super) limit: Option<u64>,
}

/// The names of files and of a line that differ between the versions.
struct Names {
    limit: &'static str,
    usage: &'static str,
    inactive_file: &'static str,
}

const V1: Names = Names {
    limit: "memory.limit_in_bytes",
    usage: "memory.usage_in_bytes",
    // Without its prefix, the line does not count the cgroups below.
    inactive_file: "total_inactive_file",
};

const V2: Names =
    Names { limit: "memory.max", usage: "memory.current", inactive_file: "inactive_file" };

impl Usage {
    /// Reads the cgroup of this process. `root` is the root of all files.
    pub(super) fn read(root: &Path) -> Self {
        let text = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default();
        let mounts = parse_mounts(&text("proc/self/mountinfo"));
        let cgroup = text("proc/self/cgroup");
        let Some((names, mount, path)) = find(&cgroup, &mounts) else {
            return Usage::default();
        };
        let top = root.join(mount.point.trim_start_matches('/'));
        // The folder of the cgroup, and of those around it that are visible.
        let below = below(path, &mount.root);
        let folders: Vec<_> = below.ancestors().map(|part| top.join(part)).collect();
        let limit = |folder: &PathBuf| Some((names.limit(folder)?, folder.clone()));
        // The last of equal limits, since the cgroup around has the larger usage.
        let smallest = folders.iter().filter_map(limit).rev().min_by_key(|(limit, _)| *limit);
        match smallest {
            Some((limit, folder)) => {
                Usage { working_set: names.working_set(&folder), limit: Some(limit) }
            }
            None => Usage {
                working_set: folders.first().and_then(|own| names.working_set(own)),
                limit: None,
            },
        }
    }
}

/// The mount that has the memory controller, and the path of the cgroup of this process in the hierarchy.
fn find<'a>(cgroup: &'a str, mounts: &'a [Mount]) -> Option<(Names, &'a Mount, &'a str)> {
    let has_memory = |list: &str| list.split(',').any(|controller| controller == "memory");
    let path = |is_wanted: &dyn Fn(&str, &str) -> bool| {
        cgroup.lines().find_map(|line| {
            let mut fields = line.splitn(3, ':');
            let (id, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
            is_wanted(id, controllers).then_some(path)
        })
    };
    // Where both versions are mounted, a controller belongs to one of them.
    if let Some(path) = path(&|_, controllers| has_memory(controllers)) {
        let of_memory = |mount: &&Mount| mount.kind == "cgroup" && has_memory(&mount.options);
        return Some((V1, best(mounts.iter().filter(of_memory), path)?, path));
    }
    let path = path(&|id, controllers| id == "0" && controllers.is_empty())?;
    Some((V2, best(mounts.iter().filter(|mount| mount.kind == "cgroup2"), path)?, path))
}

/// The mount in which the path is visible, or else any.
fn best<'a>(mounts: impl Iterator<Item = &'a Mount>, path: &str) -> Option<&'a Mount> {
    mounts.max_by_key(|mount| Path::new(path).starts_with(&mount.root))
}

/// The path of a cgroup below the root of its mount. In a container that mounts its own cgroup, this is the root, whatever
/// the path is.
fn below<'a>(path: &'a str, root: &str) -> &'a Path {
    let below = Path::new(path).strip_prefix(root).unwrap_or(Path::new(""));
    let is_plain = below.components().all(|part| matches!(part, Component::Normal(_)));
    if is_plain { below } else { Path::new("") }
}

impl Names {
    /// `None` without a limit, and for what is no limit.
    fn limit(&self, folder: &Path) -> Option<u64> {
        number(&folder.join(self.limit)).filter(|limit| (1..NO_LIMIT).contains(limit))
    }

    fn working_set(&self, folder: &Path) -> Option<u64> {
        let usage = number(&folder.join(self.usage))?;
        let stat = fs::read_to_string(folder.join("memory.stat")).unwrap_or_default();
        let inactive_file = stat.lines().find_map(|line| {
            let (name, value) = line.split_once(' ')?;
            if name == self.inactive_file { value.trim().parse().ok() } else { None }
        });
        Some(usage.saturating_sub(inactive_file.unwrap_or(0)))
    }
}

fn number(file: &Path) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests;
