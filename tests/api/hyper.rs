//! The example `hyper`, from its start to its end.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use support::fetch;

/// Longer than anything takes that ends at all.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process that ends with the test.
struct Process(Child);

impl Process {
    fn terminate(&self) {
        let id = self.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The head of an answer to a client that wants to keep its connection.
async fn head_of_kept(address: SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"hello\n") {
        let read = timeout(PATIENCE, stream.read_buf(&mut answer)).await;
        assert_ne!(read.expect("an answer").unwrap(), 0, "the whole answer");
    }
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn it_serves_drains_and_ends() {
    let child = Command::new(env!("CARGO_BIN_EXE_hyper_service"))
        .env("PORT", "0")
        .env("MANAGEMENT_DRAIN_DELAY", "1h")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut process = Process(child);
    let mut lines = BufReader::new(process.0.stdout.take().unwrap()).lines();
    let url = lines.next().unwrap().unwrap();
    let address = url.strip_prefix("http://").and_then(|rest| rest.strip_suffix('/'));
    let address: SocketAddr = address.unwrap().parse().unwrap();

    let hello = fetch(address, "/", "").await;
    assert_eq!((hello.status.as_u16(), &*hello.body), (200, "hello\n"));
    for (path, status) in [
        ("/z/health/readiness", 200),
        ("/z/health/queue/", 200),
        ("/z/health/nobody", 404),
        ("/z/info", 200),
        ("/nowhere", 404),
    ] {
        assert_eq!(fetch(address, path, "").await.status, status, "{path}");
    }

    assert!(!head_of_kept(address).await.contains("connection:"));
    process.terminate();
    let begun = Instant::now();
    let draining = loop {
        let answer = fetch(address, "/z/health/readiness", "").await;
        if answer.status != 200 {
            break answer;
        }
        assert!(begun.elapsed() < PATIENCE, "it does not drain");
    };
    assert_eq!(
        (draining.status.as_u16(), &*draining.body),
        (503, r#"{"status":"OUT_OF_SERVICE"}"#)
    );
    assert!(head_of_kept(address).await.contains("\r\nconnection: close\r\n"));

    process.terminate();
    let last = lines.next().unwrap().unwrap();
    assert_eq!(last, "drained after SIGTERM");
    assert!(process.0.wait().unwrap().success());
}
