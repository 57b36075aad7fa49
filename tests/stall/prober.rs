//! Requests with kubelet's deadline, each on a connection of its own.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// The default of kubelet's `timeoutSeconds`.
pub(crate) const DEADLINE: Duration = Duration::from_secs(1);

/// The answer to one request.
#[derive(Clone, Debug)]
pub(crate) struct Probe {
    /// When the request was sent, after the beginning.
    pub(crate) at: Duration,
    /// How long the answer took.
    pub(crate) took: Duration,
    /// The code and the body; `None` if there was no answer within the deadline.
    pub(crate) answer: Option<(u16, String)>,
}

impl Probe {
    pub(crate) fn code(&self) -> Option<u16> {
        self.answer.as_ref().map(|(code, _)| *code)
    }
}

/// Sends one request. `begun` is the beginning from which its time counts.
pub(crate) fn probe(address: SocketAddr, path: &str, deadline: Duration, begun: Instant) -> Probe {
    let sent = Instant::now();
    let answer = ask(address, path, sent + deadline);
    Probe { at: sent - begun, took: sent.elapsed(), answer }
}

/// The code and the body of an answer that takes as long as it takes.
pub(crate) fn fetch(address: SocketAddr, path: &str) -> (u16, String) {
    ask(address, path, Instant::now() + support::PATIENCE).expect("an answer")
}

fn ask(address: SocketAddr, path: &str, until: Instant) -> Option<(u16, String)> {
    let left =
        || Some(until.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero());
    let mut stream = TcpStream::connect_timeout(&address, left()?).ok()?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: kube-probe/1.31\r\nAccept: */*\r\n\
         Connection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = Vec::new();
    loop {
        stream.set_read_timeout(Some(left()?)).unwrap();
        let mut part = [0; 4096];
        match stream.read(&mut part) {
            Ok(0) => break,
            Ok(read) => answer.extend_from_slice(&part[..read]),
            Err(late) if late.kind() == ErrorKind::WouldBlock => return None,
            Err(error) => panic!("{error}"),
        }
    }
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let code = head.split(' ').nth(1)?.parse().ok()?;
    Some((code, body.to_owned()))
}
