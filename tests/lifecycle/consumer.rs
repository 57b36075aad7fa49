//! The example `consumer`: its liveness is the progress of its consumer.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};

use support::{PATIENCE, fetch};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::{spawn_blocking, yield_now};
use tokio::time::timeout;

/// A process that is ended with the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // If it has ended already, there is nothing to do.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The example over a database in a folder.
struct Consumer {
    process: Process,
    log: BufReader<ChildStderr>,
    application: SocketAddr,
    endpoints: SocketAddr,
}

impl Consumer {
    fn start(folder: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_consumer"))
            .env_clear()
            .env("DATABASE_URL", format!("sqlite:{}", folder.join("jobs.db").display()))
            .envs([("PORT", "0"), ("MANAGEMENT_LISTEN", "127.0.0.1:0")])
            .envs([("MANAGEMENT_SHOW_DETAILS", "always"), ("MANAGEMENT_DRAIN_DELAY", "0s")])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let application = address(said, "http://");
        let endpoints = address(&mut log, "the endpoints listen at http://");
        Consumer { process: Process(child), log, application, endpoints }
    }

    fn terminate(&self) {
        let sent = Command::new("kill").args(["-TERM", &self.process.0.id().to_string()]).status();
        assert!(sent.unwrap().success(), "kill");
    }

    /// How it ends, and the rest of its log.
    async fn end(self) -> (ExitStatus, String) {
        let Consumer { mut process, mut log, .. } = self;
        let ending = spawn_blocking(move || {
            let mut rest = String::new();
            log.read_to_string(&mut rest).unwrap();
            (process.0.wait().unwrap(), rest)
        });
        timeout(PATIENCE, ending).await.expect("it ends").unwrap()
    }

    async fn post(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.application).await.unwrap();
        let request = format!("POST {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    }

    async fn probe(&self, path: &str) -> (u16, String) {
        let answer = fetch(self.endpoints, path, "").await;
        (answer.status.as_u16(), answer.body)
    }

    /// Asks again and again until liveness has this code.
    async fn becomes(&self, code: u16) {
        let asking = async {
            while self.probe("/z/health/liveness").await.0 != code {
                yield_now().await;
            }
        };
        timeout(PATIENCE, asking).await.expect("liveness changes");
    }

    async fn has_waiting(&self, jobs: u32) {
        let asking = async {
            while fetch(self.application, "/jobs", "").await.body != format!("{jobs} waiting\n") {
                yield_now().await;
            }
        };
        timeout(PATIENCE, asking).await.expect("the jobs are done");
    }
}

/// The address in the first line that has `before`.
fn address(from: impl BufRead, before: &str) -> SocketAddr {
    let mut lines = from.lines().map(Result::unwrap);
    let found = lines.find_map(|line| {
        let rest = line.split_once(before)?.1;
        rest.split('/').next()?.parse().ok()
    });
    found.expect("it prints its address")
}

#[tokio::test]
async fn a_consumer_that_hangs_is_restarted_and_then_does_what_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let consumer = Consumer::start(folder.path());
    assert_eq!(consumer.probe("/z/health/liveness").await.0, 200);
    assert_eq!(consumer.probe("/z/health/readiness").await.0, 200);
    assert_eq!(consumer.post("/jobs").await, "job 1\n");
    consumer.has_waiting(0).await;

    consumer.post("/stick").await;
    assert_eq!(consumer.post("/jobs").await, "job 2\n");
    consumer.becomes(503).await;
    let (_, health) = consumer.probe("/z/health").await;
    let health: serde_json::Value = serde_json::from_str(&health).unwrap();
    let components = &health["components"];
    assert_eq!(components["consumer"]["status"], "DOWN");
    assert_eq!(components["cleaner"]["status"], "UP");
    let reason = components["consumer"]["details"]["error"].as_str().unwrap();
    assert!(reason.starts_with("no progress for "), "{reason}");
    assert_eq!(consumer.probe("/z/health/readiness").await.0, 503);
    // It serves requests as before: without the heartbeat, nothing would show that it hangs.
    consumer.has_waiting(1).await;
    consumer.terminate();
    let (status, log) = consumer.end().await;
    assert!(!status.success() && log.contains("the consumer hangs"), "{status}: {log}");

    let restarted = Consumer::start(folder.path());
    restarted.has_waiting(0).await;
    assert_eq!(restarted.probe("/z/health/liveness").await.0, 200);
    restarted.terminate();
    assert!(restarted.end().await.0.success());
}

#[tokio::test]
async fn a_consumer_that_has_finished_stays_live() {
    let folder = tempfile::tempdir().unwrap();
    let consumer = Consumer::start(folder.path());
    // A request whose head has begun keeps the drain going for a second, in which the consumer ends.
    let mut begun = TcpStream::connect(consumer.application).await.unwrap();
    begun.write_all(b"GET /jobs HTTP/1.1\r\n").await.unwrap();
    // The answer to a later request shows that the server has had the time to read it.
    assert_eq!(fetch(consumer.application, "/jobs", "").await.status, 200);
    consumer.terminate();
    let mut answers = 0;
    while let Ok(mut stream) = TcpStream::connect(consumer.endpoints).await {
        let request = b"GET /z/health/liveness HTTP/1.0\r\n\r\n";
        let mut answer = String::new();
        if stream.write_all(request).await.is_ok()
            && stream.read_to_string(&mut answer).await.is_ok()
            && !answer.is_empty()
        {
            assert!(answer.contains(" 200 "), "after {answers} answers: {answer}");
            answers += 1;
        }
    }
    let (status, log) = consumer.end().await;
    assert!(status.success(), "{status}: {log}");
    drop(begun);
}
