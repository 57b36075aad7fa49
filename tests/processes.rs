//! What only a process of its own shows: what the linker drops, what a thread that never returns
//! holds up, and the environment.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use management_axum::Management;

// `core_only` is a dependency of this package, and no line here names it.

#[test]
fn a_crate_that_nobody_names_is_noticed() {
    let error = Management::builder().require(["core_only_health"]).build().unwrap_err();
    assert!(error.is_absent(), "{error}");
    assert!(error.to_string().contains("`use its_crate as _;`"), "{error}");
    assert!(Management::new().unwrap().checks().is_empty());
}

#[test]
fn the_own_library_that_main_never_names_is_noticed() {
    let output = Command::new(env!("CARGO_BIN_EXE_unnamed")).output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("`.require(\"unnamed\")`: unknown check `unnamed` (known: none). The linker"),
        "{said}"
    );
}

#[test]
fn a_check_that_blocks_for_ever_does_not_keep_the_process() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_blocked_for_ever"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = child.stdout.take().unwrap();
    let (sender, receiver) = mpsc::channel();
    let reader = thread::spawn(move || {
        let text = std::io::read_to_string(&mut said);
        sender.send(text).unwrap();
    });
    let text = receiver.recv_timeout(Duration::from_secs(30));
    if text.is_err() {
        child.kill().unwrap();
    }
    reader.join().unwrap();
    assert_eq!(text.expect("the process ends").unwrap(), "UNKNOWN\n");
    assert!(child.wait().unwrap().success());
}

/// The first one comes before there is a hook of ours, and its place is not known: the second is told apart by its
/// text.
#[test]
fn a_panic_is_printed_once_while_it_repeats() {
    let output = Command::new(env!("CARGO_BIN_EXE_panics")).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    let expected = [
        "counted",
        "hook: counted 0",
        "hook: counted 1",
        "blocking",
        "hook: blocking",
        "spawning",
        "hook: in a task",
        "hook: in a task",
        "hook: in a task",
        "hook: in a task",
        "hook: in a task",
        "hook: in a task",
        "not a check",
        "hook: a thread",
        "hook: a thread",
        "recovered",
        "hook: there 7",
        "hook: here 8",
    ];
    assert_eq!(said.lines().collect::<Vec<_>>(), expected);
    assert_eq!(output.stderr, b"", "nothing but the program's own hook prints");
}

#[test]
fn the_version_falls_back_to_the_environment() {
    let said = |version: Option<&[u8]>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_answer"));
        command.arg("/z/version");
        match version {
            Some(version) => command.env("VERSION", OsStr::from_bytes(version)),
            None => command.env_remove("VERSION"),
        };
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    assert_eq!(said(Some(b"1.2.3")), "200 1.2.3");
    assert_eq!(said(Some(b" 1.2.3\n")), "200 1.2.3");
    assert_eq!(said(Some(b"")), "200 unknown");
    assert_eq!(said(None), "200 unknown");
    assert_eq!(said(Some(b"1.\xff")), "200 1.\u{fffd}");
}
