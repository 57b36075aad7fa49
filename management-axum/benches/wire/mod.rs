//! HTTP/1.1 by hand, so that no client's own work is measured.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use crate::apps::App;
use crate::driver::Outcome;

/// Longer than any answer takes, even under callgrind.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) const OK: &[u8] = b"HTTP/1.1 200 OK\r\n";

pub(crate) fn request(app: App) -> Vec<u8> {
    format!("GET {} HTTP/1.1\r\nhost: localhost\r\n\r\n", app.path()).into_bytes()
}

/// A connection that is kept, with one request at a time.
pub(crate) struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
}

impl Connection {
    pub(crate) fn open(app: App, port: u16) -> Outcome<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Connection { stream, request: request(app) })
    }

    /// The bytes of one answer, which has to be a 200.
    pub(crate) fn ask(&mut self) -> Outcome<Vec<u8>> {
        self.stream.write_all(&self.request)?;
        let mut answer = Vec::with_capacity(1024);
        let mut part = [0; 1024];
        while length(&answer)?.is_none_or(|length| answer.len() < length) {
            match self.stream.read(&mut part)? {
                0 => return Err("the server hung up".into()),
                count => answer.extend_from_slice(&part[..count]),
            }
        }
        if answer.starts_with(OK) {
            Ok(answer)
        } else {
            Err(format!("not a 200: {}", String::from_utf8_lossy(&answer)).into())
        }
    }
}

/// How long the whole answer is, once its head is there.
fn length(answer: &[u8]) -> Outcome<Option<usize>> {
    let text = std::str::from_utf8(answer)?;
    let Some((head, _)) = text.split_once("\r\n\r\n") else { return Ok(None) };
    let body = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let body: usize = body.ok_or("an answer without content-length")?.parse()?;
    Ok(Some(head.len() + "\r\n\r\n".len() + body))
}

/// Asks every app once. Those of one path have to say the same bytes, but for the date.
pub(crate) fn compare(servers: &[(App, u16)]) -> Outcome<()> {
    let mut said: Vec<(App, String)> = Vec::new();
    for &(app, port) in servers {
        let answer = without_date(&Connection::open(app, port)?.ask()?);
        if let Some((other, same)) = said.iter().find(|(other, _)| other.path() == app.path())
            && *same != answer
        {
            let (one, two) = (other.name(), app.name());
            return Err(format!("{one} says\n{same}\nand {two} says\n{answer}").into());
        }
        said.push((app, answer));
    }
    Ok(())
}

fn without_date(answer: &[u8]) -> String {
    let text = String::from_utf8_lossy(answer);
    text.split_inclusive("\r\n").filter(|line| !line.starts_with("date: ")).collect()
}
