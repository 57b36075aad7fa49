//! What a service manager receives, on a socket as `sd_notify(3)` describes it.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::ops::{Deref, DerefMut};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A socket as systemd has it.
struct Manager {
    socket: UnixDatagram,
    folder: PathBuf,
}

impl Manager {
    fn new(name: &str) -> Self {
        let folder = env::temp_dir().join(format!("systemd-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let socket = UnixDatagram::bind(folder.join("notify")).unwrap();
        socket.set_read_timeout(Some(support::PATIENCE)).unwrap();
        Manager { socket, folder }
    }

    /// Runs one of the binaries under this manager.
    fn start(&self, binary: &str, set: impl FnOnce(&mut Command) -> &mut Command) -> Service {
        let path = env::var_os(format!("CARGO_BIN_EXE_{binary}")).expect("Cargo sets it");
        let mut command = Command::new(path);
        command.env_clear().env("NOTIFY_SOCKET", self.folder.join("notify"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        Service(set(&mut command).spawn().unwrap())
    }

    fn receive(&self) -> String {
        let mut message = [0; 4096];
        let length = self.socket.recv(&mut message).expect("a message in time");
        String::from_utf8(message[..length].to_vec()).unwrap().trim_end().to_owned()
    }

    /// The messages up to this one.
    fn receive_until(&self, last: &str) -> Vec<String> {
        let mut messages = Vec::new();
        while messages.last().is_none_or(|message| message != last) {
            messages.push(self.receive());
        }
        messages
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        _ = fs::remove_dir_all(&self.folder);
    }
}

/// A program that ends with its test, also with one that fails.
struct Service(Child);

impl Deref for Service {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.0
    }
}

impl DerefMut for Service {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended.
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

fn terminate(child: &Child) {
    let sent = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
    assert!(sent.unwrap().success(), "kill");
}

fn first_line(child: &mut Child) -> String {
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    line
}

fn has_watchdog(messages: &[String]) -> bool {
    messages.iter().any(|message| message == "WATCHDOG=1")
}

#[test]
fn a_service_that_starts_degrades_and_stops() {
    let manager = Manager::new("life");
    let database = manager.folder.join("orders.db");
    let mut service = manager.start("deployed", |command| {
        command
            .envs([("PORT", "0"), ("MANAGEMENT_LISTEN", "127.0.0.1:0")])
            .envs([("MANAGEMENT_DRAIN_DELAY", "0s"), ("MANAGEMENT_CHECKS", CHECKS)])
            .env("DATABASE_URL", format!("sqlite:{}", database.display()))
    });
    const CHECKS: &str = r#"{"db": {"interval": "50ms"}, "migrations": {"interval": "50ms"}}"#;
    let started = manager.receive_until("READY=1");
    assert!(!started.contains(&"STOPPING=1".to_owned()), "{started:?}");
    // Either can be first.
    if !started.contains(&"STATUS=UP".to_owned()) {
        manager.receive_until("STATUS=UP");
    }
    fs::remove_file(&database).unwrap();
    let worse = manager.receive_until("STATUS=db DOWN");
    assert!(!has_watchdog(&worse), "WATCHDOG_USEC is not set: {worse:?}");
    terminate(&service);
    manager.receive_until("STOPPING=1");
    assert!(service.wait().unwrap().success());
}

#[test]
fn the_watchdog_is_fed_at_half_of_its_time_while_liveness_is_up() {
    let manager = Manager::new("watchdog");
    let mut service =
        manager.start("lives", |command| command.arg("breaks").env("WATCHDOG_USEC", "200000"));
    first_line(&mut service);
    manager.receive_until("READY=1");
    manager.receive_until("WATCHDOG=1");
    let begun = Instant::now();
    for _ in 0..10 {
        manager.receive_until("WATCHDOG=1");
    }
    // A busy machine delays each of them, and the next one comes after it.
    let took = begun.elapsed();
    assert!(took >= Duration::from_millis(800), "ten of them within {took:?}");
    // Only a restart helps, and systemd does it once nothing comes any more.
    writeln!(service.stdin.take().unwrap(), "the queue's worker has panicked").unwrap();
    manager.receive_until("STATUS=availability DOWN");
    manager.socket.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let mut message = [0; 64];
    let more = std::iter::from_fn(|| manager.socket.recv(&mut message).ok()).count();
    assert!(more <= 1, "{more} messages after the service was broken");
    service.kill().unwrap();
    service.wait().unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn an_abstract_socket() {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::SocketAddr;

    let mut manager = Manager::new("abstract");
    let name = format!("systemd-abstract-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    manager.socket = UnixDatagram::bind_addr(&address).unwrap();
    manager.socket.set_read_timeout(Some(support::PATIENCE)).unwrap();
    let mut service = manager
        .start("lives", |command| command.arg("breaks").env("NOTIFY_SOCKET", format!("@{name}")));
    manager.receive_until("READY=1");
    service.kill().unwrap();
    service.wait().unwrap();
}

/// The thread from which it is notified is no port.
#[test]
fn details_for_a_port_that_is_missing_are_warned_of() {
    let manager = Manager::new("port");
    let mut service = manager.start("lives", |command| {
        command
            .arg("breaks")
            .env("MANAGEMENT_SHOW_DETAILS", "management-port")
            .stderr(Stdio::piped())
    });
    manager.receive_until("READY=1");
    service.kill().unwrap();
    let log = std::io::read_to_string(service.stderr.take().unwrap()).unwrap();
    assert!(log.contains("`show_details` is `management-port`"), "{log}");
}

#[test]
fn a_watchdog_of_another_process_and_no_socket() {
    let manager = Manager::new("another");
    let mut service = manager.start("lives", |command| {
        command.arg("breaks").env("WATCHDOG_USEC", "100000").env("WATCHDOG_PID", "1")
    });
    first_line(&mut service);
    let messages = manager.receive_until("READY=1");
    assert!(!has_watchdog(&messages), "{messages:?}");
    service.kill().unwrap();
    service.wait().unwrap();

    let mut service =
        manager.start("lives", |command| command.arg("breaks").env_remove("NOTIFY_SOCKET"));
    first_line(&mut service);
    let tasks = Path::new("/proc").join(service.id().to_string()).join("task");
    let names = fs::read_dir(tasks)
        .unwrap()
        .map(|task| fs::read_to_string(task.unwrap().path().join("comm")).unwrap_or_default());
    assert!(!names.into_iter().any(|name| name == "management\n"), "the thread has no purpose");
    service.kill().unwrap();
    service.wait().unwrap();
}
