//! As much of the protocol of MongoDB as a driver needs to select a server and to ask it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, Document, doc};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::faults::{Host, PASSWORD, USER};

/// The codes of messages.
const REPLY: i32 = 1;
const QUERY: i32 = 2004;
const MESSAGE: i32 = 2013;

/// What the server does when a client, and not the monitor of its driver, sends a command.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Mode {
    Answers,
    /// Answers nothing, nor the monitor.
    Hangs,
    /// Closes the connection.
    Closes,
    /// Closes one connection, and answers from then on.
    ClosesOnce,
    /// Answers with this code and name.
    Fails(i32, &'static str),
    /// Answers once as a primary does that has just stepped down.
    StepsDown,
    /// Answers what is no message, to the monitor as well.
    Babbles,
}

/// What the server tells of itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Role {
    Standalone,
    Primary,
    Secondary,
}

pub(crate) struct Mongo {
    pub(crate) port: u16,
    state: Arc<State>,
    accepting: Option<JoinHandle<()>>,
}

struct State {
    mode: watch::Sender<Mode>,
    role: Role,
    port: u16,
    accepted: AtomicUsize,
    asked_for_version: AtomicUsize,
}

impl Mongo {
    pub(crate) async fn start(role: Role) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (mode, _) = watch::channel(Mode::Answers);
        let (accepted, asked_for_version) = Default::default();
        let state = Arc::new(State { mode, role, port, accepted, asked_for_version });
        let accepting = Some(tokio::spawn(accept(listener, Arc::clone(&state))));
        Mongo { port, state, accepting }
    }

    pub(crate) fn set(&self, mode: Mode) {
        self.state.mode.send_replace(mode);
    }

    /// Closes all connections, and refuses new ones.
    pub(crate) async fn stop(&mut self) {
        let accepting = self.accepting.take().unwrap();
        accepting.abort();
        _ = accepting.await;
    }

    pub(crate) async fn start_again(&mut self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
        self.accepting = Some(tokio::spawn(accept(listener, Arc::clone(&self.state))));
    }

    /// How many connections there have been.
    pub(crate) fn accepted(&self) -> usize {
        self.state.accepted.load(Ordering::Relaxed)
    }

    pub(crate) fn asked_for_version(&self) -> usize {
        self.state.asked_for_version.load(Ordering::Relaxed)
    }
}

impl Drop for Mongo {
    fn drop(&mut self) {
        if let Some(accepting) = &self.accepting {
            accepting.abort();
        }
    }
}

impl Host for Mongo {
    async fn start() -> Self {
        Mongo::start(Role::Standalone).await
    }

    fn port(&self) -> u16 {
        self.port
    }

    async fn stop(&mut self) {
        self.stop().await;
    }

    async fn start_again(&mut self) {
        self.start_again().await;
    }

    async fn kill(&mut self) {
        self.stop().await;
    }

    async fn pause(&self) {
        self.set(Mode::Hangs);
    }

    async fn resume(&self) {
        self.set(Mode::Answers);
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    // Dropping it ends all of them.
    let mut connections = JoinSet::new();
    loop {
        let (client, _) = listener.accept().await.unwrap();
        state.accepted.fetch_add(1, Ordering::Relaxed);
        connections.spawn(serve(client, Arc::clone(&state)));
    }
}

/// Answers until the client or the mode closes the connection.
async fn serve(mut client: TcpStream, state: Arc<State>) -> io::Result<()> {
    let mut mode = state.mode.subscribe();
    loop {
        let length = client.read_i32_le().await?;
        let mut message = vec![0; length as usize - 4];
        client.read_exact(&mut message).await?;
        let number = i32_at(&message, 0);
        let code = i32_at(&message, 8);
        let command = command(code, &message);
        let current = *mode.wait_for(|mode| *mode != Mode::Hangs).await.unwrap();
        // Only a client has a session.
        let is_asked = command.contains_key("lsid");
        let answer = match current {
            Mode::Babbles => {
                client.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await?;
                return Ok(());
            }
            Mode::Closes if is_asked => return Ok(()),
            Mode::ClosesOnce if is_asked => {
                state.mode.send_replace(Mode::Answers);
                return Ok(());
            }
            Mode::Fails(code, name) if is_asked => failure(code, name),
            Mode::StepsDown if is_asked => {
                state.mode.send_replace(Mode::Answers);
                failure(10107, "NotWritablePrimary")
            }
            _ => state.answer(&command),
        };
        client.write_all(&frame(code, number, &answer)).await?;
    }
}

impl State {
    fn answer(&self, command: &Document) -> Document {
        let name = command.keys().next().unwrap();
        match name.as_str() {
            "hello" | "isMaster" | "ismaster" => self.hello(),
            "buildInfo" => {
                self.asked_for_version.fetch_add(1, Ordering::Relaxed);
                doc! { "ok": 1, "version": "8.0.4" }
            }
            "saslStart" if is_authentic(command) => {
                let payload = Binary { subtype: BinarySubtype::Generic, bytes: Vec::new() };
                doc! { "ok": 1, "conversationId": 1, "done": true, "payload": payload }
            }
            "saslStart" => failure(18, "AuthenticationFailed"),
            "ping" | "endSessions" => doc! { "ok": 1 },
            _ => failure(59, "CommandNotFound"),
        }
    }

    fn hello(&self) -> Document {
        let mut hello = doc! {
            "ok": 1,
            "helloOk": true,
            "isWritablePrimary": self.role != Role::Secondary,
            "maxBsonObjectSize": 16 * 1024 * 1024,
            "maxMessageSizeBytes": 48_000_000,
            "maxWriteBatchSize": 100_000,
            "logicalSessionTimeoutMinutes": 30,
            "minWireVersion": 0,
            "maxWireVersion": 21,
        };
        if self.role != Role::Standalone {
            let me = SocketAddr::from(([127, 0, 0, 1], self.port)).to_string();
            hello.extend(doc! {
                "setName": "shop",
                "setVersion": 1,
                "hosts": [&me],
                "me": &me,
                "secondary": self.role == Role::Secondary,
            });
        }
        hello
    }
}

/// Whether it begins to authenticate with the mechanism PLAIN, and with the right password.
fn is_authentic(command: &Document) -> bool {
    let expected = format!("\0{USER}\0{PASSWORD}");
    command.get_binary_generic("payload").is_ok_and(|payload| payload == expected.as_bytes())
}

fn failure(code: i32, name: &str) -> Document {
    doc! { "ok": 0, "code": code, "codeName": name, "errmsg": "not for clerk on shop" }
}

/// The document of a message. Without its length, the header has 12 bytes.
fn command(code: i32, message: &[u8]) -> Document {
    let begin = match code {
        // The flags, the name of a collection and its zero, and two numbers.
        QUERY => 12 + 4 + message[16..].iter().position(|byte| *byte == 0).unwrap() + 1 + 8,
        // The flags and the kind of the section.
        MESSAGE => 12 + 4 + 1,
        _ => panic!("unknown code {code}"),
    };
    Document::from_reader(&message[begin..]).unwrap()
}

fn frame(code: i32, answers: i32, document: &Document) -> Vec<u8> {
    let mut body = Vec::new();
    let code = if code == QUERY {
        // The flags, the cursor, the first document and the number of documents.
        body.extend([0; 16]);
        body.extend(1_i32.to_le_bytes());
        REPLY
    } else {
        body.extend([0; 5]);
        MESSAGE
    };
    document.to_writer(&mut body).unwrap();
    let mut frame = Vec::new();
    for number in [16 + body.len() as i32, 1, answers, code] {
        frame.extend(number.to_le_bytes());
    }
    frame.extend(body);
    frame
}

fn i32_at(bytes: &[u8], at: usize) -> i32 {
    i32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}
