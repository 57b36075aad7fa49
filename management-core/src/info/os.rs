//! The operating system.

use std::path::Path;

use super::file;

/// The attributes that begin with `os.`.
pub(super) fn read(
    root: &Path,
    description: Option<String>,
) -> [(&'static str, Option<String>); 4] {
    let release = ["etc/os-release", "usr/lib/os-release"]
        .into_iter()
        .find_map(|path| file::text(&root.join(path)))
        .unwrap_or_default();
    [
        ("os.type", Some(kind(std::env::consts::OS).to_owned())),
        ("os.description", description),
        ("os.name", field(&release, "NAME")),
        ("os.version", field(&release, "VERSION_ID")),
    ]
}

/// Such as `Linux 6.1.0`.
pub(super) fn description() -> Option<String> {
    #[cfg(unix)]
    {
        let uname = rustix::system::uname();
        let (name, release) = (uname.sysname(), uname.release());
        Some(format!("{} {}", name.to_string_lossy(), release.to_string_lossy()))
    }
    #[cfg(not(unix))]
    None
}

/// OpenTelemetry's name for an operating system of Rust.
fn kind(os: &str) -> &str {
    match os {
        "macos" | "ios" | "tvos" | "watchos" | "visionos" => "darwin",
        "dragonfly" => "dragonflybsd",
        "illumos" => "solaris",
        "zos" => "z_os",
        other => other,
    }
}

/// A field of `os-release(5)`, whose value may be quoted as in a shell.
fn field(release: &str, key: &str) -> Option<String> {
    let value =
        release.lines().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix('='))?;
    let value = value.trim();
    let unquoted = ['"', '\'']
        .into_iter()
        .find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(value);
    let mut plain = String::new();
    let mut escaped = false;
    for character in unquoted.chars() {
        if character == '\\' && !escaped {
            escaped = true;
        } else {
            plain.push(character);
            escaped = false;
        }
    }
    Some(crate::text::tidy(plain)).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_the_names_of_the_convention() {
        for (rust, otel) in [
            ("linux", "linux"),
            ("macos", "darwin"),
            ("ios", "darwin"),
            ("windows", "windows"),
            ("freebsd", "freebsd"),
            ("netbsd", "netbsd"),
            ("openbsd", "openbsd"),
            ("dragonfly", "dragonflybsd"),
            ("solaris", "solaris"),
            ("illumos", "solaris"),
            ("aix", "aix"),
            ("haiku", "haiku"),
        ] {
            assert_eq!(kind(rust), otel, "{rust}");
        }
    }

    #[test]
    fn fields_of_os_release() {
        let release = "# NAME=no\nPRETTY_NAME=\"Other 9\"\nNAME=\"A \\\"B\\\" C\"\r\nVERSION_ID='12'\nBUILD_ID=\n";
        assert_eq!(field(release, "NAME").as_deref(), Some("A \"B\" C"));
        assert_eq!(field(release, "VERSION_ID").as_deref(), Some("12"));
        assert_eq!(field(release, "BUILD_ID"), None);
        assert_eq!(field(release, "VARIANT"), None);
        assert_eq!(field("NAME=\"", "NAME").as_deref(), Some("\""));
    }

    #[cfg(unix)]
    #[test]
    fn the_description_names_system_and_release() {
        let description = description().unwrap();
        let (system, release) = description.split_once(' ').unwrap();
        assert!(!system.is_empty() && !release.is_empty(), "{description}");
    }
}
