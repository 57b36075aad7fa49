//! Services that others depend on, of which it can be told what they were asked, and programs in an
//! environment of their own that ask them.

#![allow(dead_code, reason = "not every binary needs all of it")]

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Longer than anything takes that does not hang.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A server on a port of its own that talks as it is told.
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Peer {
    /// Leaves each connection to `talk`, once the head of its request has been read.
    pub(crate) async fn with<F, Fut>(talk: F) -> Self
    where
        F: Fn(TcpStream) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (heads, talk) = (Arc::clone(&asked), Arc::new(talk));
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let (heads, talk) = (Arc::clone(&heads), Arc::clone(&talk));
                tokio::spawn(async move {
                    let Some(head) = head_of(&mut stream).await else { return };
                    heads.lock().unwrap().push(head);
                    talk(stream).await;
                });
            }
        });
        Peer { address, asked }
    }

    /// Answers each request with these bytes.
    pub(crate) async fn saying(answer: impl Into<Vec<u8>>) -> Self {
        let answer = Arc::new(answer.into());
        Peer::with(move |mut stream| {
            let answer = Arc::clone(&answer);
            async move {
                // Whoever asked may have read enough.
                let _ = stream.write_all(&answer).await;
            }
        })
        .await
    }

    /// Answers 200 with this JSON.
    pub(crate) async fn json(body: &str) -> Self {
        Peer::saying(answer(200, "application/json", body)).await
    }

    pub(crate) async fn up() -> Self {
        Peer::json(r#"{"status":"UP"}"#).await
    }

    /// The heads of all requests so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// The method and the target of all requests so far.
    pub(crate) fn targets(&self) -> Vec<String> {
        let asked = self.asked();
        let lines = asked.iter().filter_map(|head| head.lines().next());
        lines.map(|line| line.trim_end_matches(" HTTP/1.1").to_owned()).collect()
    }

    /// The value of this header in the only request.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let asked = self.asked();
        let [head] = &asked[..] else { panic!("asked {} times", asked.len()) };
        head.lines().find_map(|line| {
            let (own, value) = line.split_once(": ")?;
            own.eq_ignore_ascii_case(name).then(|| value.to_owned())
        })
    }
}

/// The bytes of a whole answer.
pub(crate) fn answer(code: u16, media_type: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let head = format!(
        "HTTP/1.1 {code} Told\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\nConnection: \
         close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

async fn head_of(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}

/// A program of this package, whose environment holds these variables and nothing else.
pub(crate) struct Program(Command);

impl Program {
    /// Answers one path, with nothing registered.
    pub(crate) fn answer(path: &str) -> Self {
        Program::new(env!("CARGO_BIN_EXE_answer"), &[path])
    }

    /// Answers these paths, with a check of each kind.
    pub(crate) fn configured(paths: &[&str]) -> Self {
        Program::new(env!("CARGO_BIN_EXE_configured"), paths)
    }

    /// The example `deployed`.
    pub(crate) fn deployed(arguments: &[&str]) -> Self {
        Program::new(env!("CARGO_BIN_EXE_deployed"), arguments)
    }

    fn new(path: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(path);
        command.args(arguments).env_clear();
        Program(command)
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    pub(crate) fn arg(mut self, argument: &str) -> Self {
        self.0.arg(argument);
        self
    }

    /// Runs to its end, on a thread of its own so that peers can talk meanwhile.
    pub(crate) async fn run(mut self) -> Output {
        let running = tokio::task::spawn_blocking(move || self.0.output().unwrap());
        tokio::time::timeout(PATIENCE, running).await.expect("the program ends").unwrap()
    }

    /// What it says of each path.
    pub(crate) async fn lines(self) -> Vec<String> {
        let output = self.run().await;
        let said = String::from_utf8(output.stdout).unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}{complaint}");
        said.lines().map(str::to_owned).collect()
    }

    /// What it says of its only path.
    pub(crate) async fn line(self) -> String {
        let lines = self.lines().await;
        let [line] = &lines[..] else { panic!("not one line: {lines:?}") };
        line.clone()
    }

    /// The body that it says of its only path, whatever the code.
    pub(crate) async fn json(self) -> Value {
        let line = self.line().await;
        serde_json::from_str(line.split_once(' ').expect("a code and a body").1).expect(&line)
    }

    /// The mistakes that it ends with.
    pub(crate) async fn refusal(self) -> String {
        let output = self.run().await;
        assert!(!output.status.success(), "it runs: {output:?}");
        String::from_utf8(output.stderr).unwrap()
    }
}
