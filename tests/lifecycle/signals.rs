//! Signals, each to a process of its own.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use support::fetch;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longer than anything takes that ends at all.
const PATIENCE: Duration = Duration::from_secs(60);

const FOR_EVER: &str = "1h";

/// A process that is ended with the test.
struct Life {
    child: Child,
    said: BufReader<ChildStdout>,
    address: SocketAddr,
    /// Who gets the signals, where that is not the child itself.
    pid: u32,
}

impl Life {
    fn begin(scenario: &str, delay: &str, timeout: &str) -> Self {
        Life::from(Command::new(env!("CARGO_BIN_EXE_lives")).arg(scenario), delay, timeout)
    }

    fn from(command: &mut Command, delay: &str, timeout: &str) -> Self {
        let command = command
            .env("MANAGEMENT_DRAIN_DELAY", delay)
            .env("MANAGEMENT_DRAIN_TIMEOUT", timeout)
            .stdout(Stdio::piped())
            // A few lines of log, which fit into the pipe.
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        let pid = child.id();
        let address = SocketAddr::from(([0, 0, 0, 0], 0));
        let mut life = Life { child, said, address, pid };
        life.address = life.line().parse().unwrap();
        life
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn signal(&self, name: &str) {
        let pid = self.pid.to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    }

    /// The last it says, and how it ends.
    fn end(mut self) -> (String, ExitStatus) {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(begun.elapsed() < PATIENCE, "it does not end");
            std::thread::yield_now();
        };
        let mut last = String::new();
        self.said.read_to_string(&mut last).unwrap();
        (last.trim_end().to_owned(), status)
    }

    /// What it has logged, and the last it says.
    fn end_and_log(mut self) -> (String, String) {
        let mut errors = self.child.stderr.take().unwrap();
        let said = self.end().0;
        let mut log = String::new();
        errors.read_to_string(&mut log).unwrap();
        (said, log)
    }

    async fn stops_to_listen(&self) {
        let asking = async {
            while TcpStream::connect(self.address).await.is_ok() {
                tokio::task::yield_now().await;
            }
        };
        assert!(tokio::time::timeout(PATIENCE, asking).await.is_ok(), "it goes on listening");
    }

    async fn becomes(&self, path: &str, code: u16) {
        let asking = async {
            while fetch(self.address, path, "").await.status != code {
                tokio::task::yield_now().await;
            }
        };
        assert!(
            tokio::time::timeout(PATIENCE, asking).await.is_ok(),
            "{path} never becomes {code}"
        );
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        // Where it has ended already, there is nothing to do.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Has a request in flight that never ends.
async fn stuck(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /stuck HTTP/1.1\r\nHost: test\r\n\r\n").await.unwrap();
    stream
}

#[tokio::test]
async fn one_signal_drains() {
    for (signal, reason) in [("-TERM", "SIGTERM"), ("-INT", "SIGINT")] {
        let life = Life::begin("run", "0s", FOR_EVER);
        life.becomes("/z/health/readiness", 200).await;
        life.signal(signal);
        let (said, status) = life.end();
        assert_eq!((&*said, status.code()), (&*format!("{reason} 0"), Some(0)));
    }
}

#[tokio::test]
async fn through_the_delay_requests_are_served_and_a_second_signal_ends_it() {
    for second in ["-TERM", "-INT"] {
        let life = Life::begin("run", FOR_EVER, FOR_EVER);
        life.signal("-TERM");
        life.becomes("/z/health/readiness", 503).await;
        life.becomes("/z/health/liveness", 200).await;
        life.becomes("/", 200).await;
        life.signal(second);
        let (said, status) = life.end();
        assert_eq!((&*said, status.code()), ("SIGTERM 0", Some(0)));
    }
}

#[tokio::test]
async fn ctrl_c_has_no_delay() {
    let life = Life::begin("run", FOR_EVER, FOR_EVER);
    life.becomes("/", 200).await;
    life.signal("-INT");
    assert_eq!(life.end().0, "SIGINT 0");
}

#[tokio::test]
async fn a_third_signal_ends_the_process() {
    for (third, code) in [("-TERM", 143), ("-INT", 130)] {
        let life = Life::begin("run", FOR_EVER, FOR_EVER);
        let mut request = stuck(life.address).await;
        // The server has read the request, since it has answered one that came after it.
        life.becomes("/", 200).await;
        life.signal("-TERM");
        life.becomes("/z/health/readiness", 503).await;
        life.signal("-TERM");
        life.stops_to_listen().await;
        life.signal(third);
        let (_, status) = life.end();
        assert_eq!((status.code(), status.signal()), (Some(code), None));
        assert!(matches!(request.read(&mut [0; 1]).await, Ok(0) | Err(_)));
    }
}

#[tokio::test]
async fn a_second_signal_after_the_delay_cuts() {
    let life = Life::begin("run", "100ms", FOR_EVER);
    let mut request = stuck(life.address).await;
    life.becomes("/", 200).await;
    life.signal("-TERM");
    life.stops_to_listen().await;
    life.signal("-TERM");
    let (said, log) = life.end_and_log();
    assert_eq!(said, "SIGTERM 1", "{log}");
    assert!(matches!(request.read(&mut [0; 1]).await, Ok(0) | Err(_)));
    assert!(log.contains("servers cut what is in flight: a second signal, SIGTERM "), "{log}");
}

/// As in development, while a browser holds a stream open.
#[tokio::test]
async fn without_a_delay_a_second_signal_cuts() {
    for (signal, name, delay) in
        [("-INT", "SIGINT", FOR_EVER), ("-INT", "SIGINT", "0s"), ("-TERM", "SIGTERM", "0s")]
    {
        let life = Life::begin("run", delay, FOR_EVER);
        let mut request = stuck(life.address).await;
        life.becomes("/", 200).await;
        life.signal(signal);
        life.stops_to_listen().await;
        life.signal(signal);
        let (said, log) = life.end_and_log();
        assert_eq!(said, format!("{name} 1"), "{log}");
        assert!(matches!(request.read(&mut [0; 1]).await, Ok(0) | Err(_)));
        let first = format!(
            "draining after {name}; servers stop now; the next signal cuts what is in flight "
        );
        assert!(log.contains(&first), "{log}");
        assert!(
            log.contains(&format!("servers cut what is in flight: a second signal, {name} ")),
            "{log}"
        );
    }
}

#[tokio::test]
async fn what_hangs_after_the_drain_can_be_ended_too() {
    // What the program does after `run`, and what its runtime waits for when `main` has returned.
    for scenario in ["cleanup", "hangs"] {
        let mut life = Life::begin(scenario, "0s", FOR_EVER);
        life.signal("-TERM");
        assert_eq!(life.line(), "drained");
        // Signals of one kind that are pending are one, so they are sent until they have been heard.
        while life.child.try_wait().unwrap().is_none() {
            life.signal("-TERM");
            tokio::task::yield_now().await;
        }
        assert_eq!(life.end().1.code(), Some(143), "{scenario}");
    }
}

#[tokio::test]
async fn an_endless_request_holds_nothing_beyond_the_timeout() {
    let life = Life::begin("run", "0s", "200ms");
    let _request = stuck(life.address).await;
    life.becomes("/", 200).await;
    life.signal("-TERM");
    let (said, status) = life.end();
    assert_eq!((&*said, status.code()), ("SIGTERM 1", Some(0)));
}

#[tokio::test]
async fn a_signal_before_the_first_poll_is_heard() {
    let life = Life::begin("before-poll", "0s", FOR_EVER);
    let (said, status) = life.end();
    assert_eq!((&*said, status.code()), ("\"SIGTERM\"", Some(0)));
}

#[tokio::test]
async fn a_service_that_never_gets_ready_drains() {
    let life = Life::begin("starting", "0s", FOR_EVER);
    life.becomes("/z/health/readiness", 503).await;
    life.becomes("/z/health/startup", 503).await;
    life.signal("-TERM");
    let (said, status) = life.end();
    assert_eq!((&*said, status.code()), ("SIGTERM 0", Some(0)));
}

#[tokio::test]
async fn a_server_of_ones_own_stops_on_signals() {
    let life = Life::begin("shutdown", FOR_EVER, FOR_EVER);
    life.becomes("/z/health/readiness", 200).await;
    life.signal("-TERM");
    life.becomes("/z/health/readiness", 503).await;
    life.signal("-TERM");
    let (said, status) = life.end();
    assert_eq!((&*said, status.code()), ("stopped", Some(0)));
}

/// The system drops signals to PID 1 that it has no handler for.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn pid_1_hears_signals() {
    let mut command = Command::new("unshare");
    command.args([
        "--user",
        "--map-root-user",
        "--pid",
        "--fork",
        "--kill-child",
        env!("CARGO_BIN_EXE_lives"),
        "run",
    ]);
    let mut life = Life::from(&mut command, "0s", FOR_EVER);
    let children = format!("/proc/{0}/task/{0}/children", life.child.id());
    life.pid = std::fs::read_to_string(children).unwrap().trim().parse().unwrap();
    let status = std::fs::read_to_string(format!("/proc/{}/status", life.pid)).unwrap();
    let inner = status.lines().find(|line| line.starts_with("NSpid:")).unwrap();
    assert!(inner.ends_with("\t1"), "{inner}");
    life.becomes("/z/health/readiness", 200).await;
    life.signal("-TERM");
    let (said, status) = life.end();
    assert_eq!((&*said, status.code()), ("SIGTERM 0", Some(0)));
}
