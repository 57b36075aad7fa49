//! A process that is stopped and continued, as a suspended machine or a frozen container is.

use std::env;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::prober::fetch;
use crate::{alone, wait_for};

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([name, &child.id().to_string()]).status();
    assert!(sent.unwrap().success(), "kill {name}");
}

#[test]
fn it_has_not_stalled() {
    let _alone = alone();
    let path = env::var_os("CARGO_BIN_EXE_deployed").expect("Cargo sets it");
    let mut service = Command::new(path)
        .env_clear()
        .envs([("PORT", "0"), ("MANAGEMENT_LISTEN", "127.0.0.1:0")])
        .envs([("DATABASE_URL", "sqlite::memory:"), ("MANAGEMENT_STALL_LIMIT", "1s")])
        .env("MANAGEMENT_DRAIN_DELAY", "0s")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(service.stderr.take().unwrap());
    let mut lines = String::new();
    let address: SocketAddr = wait_for("its address", || {
        let begun = lines.len();
        log.read_line(&mut lines).unwrap();
        let address = lines[begun..].split("the endpoints listen at http://").nth(1)?;
        Some(address.split('/').next().unwrap().parse().unwrap())
    });
    assert_eq!(fetch(address, "/z/health/liveness").0, 200);
    for _ in 0..3 {
        signal(&service, "-STOP");
        thread::sleep(Duration::from_millis(2_500));
        signal(&service, "-CONT");
        assert_eq!(fetch(address, "/z/health/liveness").0, 200);
        assert_eq!(fetch(address, "/z/health/runtime").1, r#"{"status":"UP"}"#);
    }
    signal(&service, "-TERM");
    log.read_to_string(&mut lines).unwrap();
    assert!(service.wait().unwrap().success(), "{lines}");
    assert!(!lines.contains("stall"), "{lines}");
}
