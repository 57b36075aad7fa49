//! The machine on which this process runs.

use std::path::Path;

use super::file;
use crate::config::environment::Environment;

/// The variables that contain its name.
pub(super) const VARIABLES: [&str; 2] = ["HOSTNAME", "COMPUTERNAME"];

/// The attributes of the host. `name` is the result of [`name()`].
pub(super) fn read(
    environment: &Environment,
    name: Option<String>,
) -> [(&'static str, Option<String>); 3] {
    [
        ("host.arch", Some(architecture(std::env::consts::ARCH).to_owned())),
        ("host.hostname", environment.get("HOSTNAME").or_else(|| name.clone())),
        ("host.name", name),
    ]
}

/// The name of the host in the operating system.
pub(super) fn name(environment: &Environment) -> Option<String> {
    #[cfg(unix)]
    {
        _ = environment;
        let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
        Some(name).filter(|name| !name.is_empty())
    }
    #[cfg(not(unix))]
    environment.get("COMPUTERNAME")
}

/// The id of `machine-id(5)`, which is unique and, as that page states, confidential.
pub(super) fn machine_id(root: &Path) -> Option<String> {
    // systemd writes `uninitialized` into an image, and during the first start.
    file::first_line(&root.join("etc/machine-id")).filter(|id| id != "uninitialized")
}

/// OpenTelemetry's name for an architecture of Rust.
pub(super) fn architecture(rust: &str) -> &str {
    match rust {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "arm" => "arm32",
        "powerpc" => "ppc32",
        "powerpc64" => "ppc64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn architectures_have_the_names_of_the_convention() {
        for (rust, otel) in [
            ("x86_64", "amd64"),
            ("x86", "x86"),
            ("aarch64", "arm64"),
            ("arm", "arm32"),
            ("powerpc", "ppc32"),
            ("powerpc64", "ppc64"),
            ("s390x", "s390x"),
            ("riscv64", "riscv64"),
        ] {
            assert_eq!(architecture(rust), otel, "{rust}");
        }
    }

    #[test]
    fn the_variable_wins_for_the_hostname_alone() {
        let environment = Environment::from([("HOSTNAME", "variable")]);
        let [_, hostname, name] = read(&environment, Some("node".into()));
        assert_eq!(hostname, ("host.hostname", Some("variable".into())));
        assert_eq!(name, ("host.name", Some("node".into())));
        let [_, hostname, _] = read(&Environment::default(), Some("node".into()));
        assert_eq!(hostname, ("host.hostname", Some("node".into())));
    }

    #[cfg(unix)]
    #[test]
    fn this_machine_has_a_name() {
        assert!(name(&Environment::default()).is_some());
    }
}
