//! A logger that blocks, as it does while nobody reads the output of the process.

use std::env;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use management_axum::Check;

use crate::application::Application;
use crate::prober::fetch;
use crate::{alone, lines_with, wait_for};

#[test]
fn endpoints_answer_while_the_logger_blocks() {
    let _alone = alone();
    let path = env::var_os("CARGO_BIN_EXE_logs").expect("Cargo sets it");
    let mut service = Command::new(path)
        .env_clear()
        .env("MANAGEMENT_STALL_LIMIT", "1s")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut printed = BufReader::new(service.stdout.take().unwrap());
    let mut address = String::new();
    printed.read_line(&mut address).unwrap();
    let address = address.trim().parse().unwrap();
    // From now on nobody reads what it logs, and it logs until it is blocked: its only worker is, too.
    let ask = |path| fetch(address, path).0;
    wait_for("DOWN", || (ask("/z/health/liveness") == 503).then_some(()));
    assert_eq!(ask("/z/health"), 200);
    // The lines were not lost.
    let mut log = service.stderr.take().unwrap();
    let reading = std::thread::spawn(move || {
        let mut text = String::new();
        log.read_to_string(&mut text).map(|_| text)
    });
    wait_for("UP", || (ask("/z/health/liveness") == 200).then_some(()));
    service.kill().unwrap();
    service.wait().unwrap();
    let text = reading.join().unwrap().unwrap();
    assert!(text.contains("the runtime is stalled"), "{}", text.len());
}

#[test]
fn a_run_on_a_thread_of_its_own_is_inside_its_span() {
    let _alone = alone();
    let disk = Check::blocking("disk", || {
        let span = tracing::Span::current();
        let name = span.metadata().map_or("no span", |metadata| metadata.name());
        tracing::info!(target: "management", span = name, "disk runs in {name}");
    });
    let application = Application::start(1, |builder| builder.check(disk));
    assert_eq!(fetch(application.management_address, "/z/health/disk").0, 200);
    assert_eq!(lines_with("disk runs in ", 1), ["INFO disk runs in management.check"]);
}
