//! The operating system and the process, as Actuator shows them at `/info`.

use std::fs;
use std::path::Path;
use std::process;
use std::thread::available_parallelism;

use serde::Serialize;

use super::host::architecture;

/// What does not change while the process runs.
#[derive(Debug)]
pub(crate) struct Platform {
    pub(crate) os: Os,
    pub(crate) process: Process,
}

/// The kernel.
#[derive(Debug, Serialize)]
pub(crate) struct Os {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    arch: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Process {
    pid: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_pid: Option<u32>,
    /// The name of its user, or the number of one that has no name.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpus: Option<usize>,
}

impl Platform {
    pub(super) fn read(root: &Path) -> Self {
        let (name, version) = kernel();
        let os = Os { name, version, arch: architecture(std::env::consts::ARCH) };
        let process = Process {
            pid: process::id(),
            parent_pid: parent(),
            owner: owner(root),
            cpus: available_parallelism().ok().map(Into::into),
        };
        Platform { os, process }
    }
}

#[cfg(unix)]
fn kernel() -> (String, Option<String>) {
    let uname = rustix::system::uname();
    let text = |part: &std::ffi::CStr| crate::text::tidy(part.to_string_lossy());
    (text(uname.sysname()), Some(text(uname.release())))
}

#[cfg(not(unix))]
fn kernel() -> (String, Option<String>) {
    (std::env::consts::OS.to_owned(), None)
}

#[cfg(unix)]
fn parent() -> Option<u32> {
    let parent = rustix::process::getppid()?;
    u32::try_from(parent.as_raw_nonzero().get()).ok()
}

#[cfg(not(unix))]
fn parent() -> Option<u32> {
    None
}

#[cfg(unix)]
fn owner(root: &Path) -> Option<String> {
    let user = rustix::process::geteuid().as_raw();
    let users = fs::read_to_string(root.join("etc/passwd")).unwrap_or_default();
    Some(name_of(user, &users).unwrap_or_else(|| user.to_string()))
}

#[cfg(not(unix))]
fn owner(_: &Path) -> Option<String> {
    None
}

/// The name of a user in `passwd(5)`.
#[cfg(unix)]
fn name_of(user: u32, users: &str) -> Option<String> {
    let name = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, id) = (fields.next()?, fields.nth(1)?);
        (id.parse() == Ok(user)).then_some(name)
    });
    name.map(crate::text::tidy).filter(|name| !name.is_empty())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn names_of_users() {
        let users = "root:x:0:0:root:/root:/bin/sh\n# comment\nbroken\nnonroot:x:65532:65532::/:/no\n:x:7:7::/:\n";
        assert_eq!(name_of(0, users).as_deref(), Some("root"));
        assert_eq!(name_of(65532, users).as_deref(), Some("nonroot"));
        assert_eq!(name_of(1000, users), None);
        assert_eq!(name_of(7, users), None);
    }

    #[test]
    fn this_process() {
        let Platform { os, process } = Platform::read(Path::new("/"));
        assert!(!os.name.is_empty() && os.version.is_some_and(|version| !version.is_empty()));
        assert!(process.pid == std::process::id() && process.cpus > Some(0));
        assert!(process.owner.is_some_and(|owner| !owner.is_empty()));
    }
}
