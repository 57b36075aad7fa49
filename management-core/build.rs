//! Cargo asks for a build script where `links` is set; there is nothing to link. It tells the crate
//! which compiler makes it, and for which target, for `/info`.

use std::env;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if let Ok(target) = env::var("TARGET") {
        println!("cargo::rustc-env=MANAGEMENT_TARGET={target}");
    }
    // A build must not fail for a line in `/info`: what cannot be told is left out there.
    if let Some(version) = compiler() {
        println!("cargo::rustc-env=MANAGEMENT_RUSTC={version}");
    }
}

/// As `rustc --version` says it, such as `rustc 1.88.0 (6b00bc388 2025-06-23)`.
fn compiler() -> Option<String> {
    let output = Command::new(env::var_os("RUSTC")?).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let line = text.lines().next()?.trim();
    (output.status.success() && !line.is_empty()).then(|| line.to_owned())
}
