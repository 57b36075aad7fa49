//! What the attributes accept, and how they refuse the rest.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

#[test]
fn fail() {
    trybuild::TestCases::new().compile_fail("fail/*.rs");
}

#[test]
fn every_case_that_passes_is_run() {
    let manifest = fs::read_to_string("Cargo.toml").unwrap();
    for case in fs::read_dir("pass").unwrap() {
        let case = case.unwrap().path();
        let entry = format!("path = \"{}\"\nharness = false\n", case.display());
        assert!(manifest.contains(&entry), "Cargo.toml has no [[test]] for {}", case.display());
    }
}

/// The library that this test was built with, of which there may be older ones.
fn newest(libraries: &Path, krate: &str) -> PathBuf {
    let files = fs::read_dir(libraries).unwrap().map(|file| file.unwrap().path());
    let start = format!("lib{krate}-");
    let ours = files.filter(|file| {
        let name = file.file_name().unwrap().to_string_lossy();
        name.starts_with(&start) && name.ends_with(".rlib")
    });
    ours.max_by_key(|file| file.metadata().unwrap().modified().unwrap()).unwrap()
}

/// trybuild knows the dependencies by their own names alone, so this asks the compiler itself.
fn renamed(krate: &str, name: &str, file: &str) -> String {
    let libraries = env::current_exe().unwrap().parent().unwrap().to_owned();
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let out = libraries.join(format!("ui-renamed-{name}.rmeta"));
    let output = Command::new(rustc)
        .args(["--edition=2024", "--crate-type=lib", "--emit=metadata", "-o"])
        .arg(&out)
        .arg("-L")
        .arg(format!("dependency={}", libraries.display()))
        .arg("--extern")
        .arg(format!("{name}={}", newest(&libraries, krate).display()))
        .arg(file)
        .output()
        .unwrap();
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_renamed_dependency_is_told() {
    for (krate, name, file) in
        [("management_core", "ours", "core"), ("management_axum", "web", "axum")]
    {
        let golden = PathBuf::from(format!("renamed/{file}.stderr"));
        let stderr = renamed(krate, name, &format!("renamed/{file}.rs"));
        if env::var_os("TRYBUILD").is_some_and(|told| told == "overwrite") {
            fs::write(&golden, &stderr).unwrap();
        }
        assert_eq!(stderr, fs::read_to_string(&golden).unwrap());
    }
}
