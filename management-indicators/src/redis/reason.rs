//! What errors mean.

use std::io;
use std::time::Duration;

use management_core::Health;
use redis::{ConnectionAddr, ErrorKind, RedisError};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::error::{describe, redact};

/// How long a server that refuses connections may take to tell why.
const GREETING: Duration = Duration::from_millis(200);

/// Whether the server has answered with this error.
pub(super) fn is_answer(error: &RedisError) -> bool {
    matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension)
}

/// The health if the server answers a command with this error.
pub(super) fn refused(error: &RedisError, command: &str) -> Health {
    let detail = error.detail().unwrap_or_default();
    match error.code() {
        // The text names the user. The client may have left out the code.
        Some(code) if code == "NOPERM" || detail.contains("no permissions") => {
            Health::down(format_args!("no permission for {command}"))
        }
        Some(code) => explain(code, detail),
        None => Health::down(describe(error)),
    }
}

fn explain(code: &str, detail: &str) -> Health {
    let reason = match code {
        "LOADING" => return Health::degraded("loading its data"),
        "MISCONF" => return Health::degraded("accepts no writes: cannot save to its disk"),
        "NOAUTH" => "authentication required",
        "WRONGPASS" => "wrong user name or password",
        "MASTERDOWN" => "the replica has lost its master",
        "CLUSTERDOWN" => "the cluster is down",
        "BUSY" => "busy with a script",
        "DENIED" => "protected mode refuses this host",
        "ERR" if detail.starts_with("max number of clients") => "max number of clients reached",
        _ => return Health::down(redact(&format!("{code} {detail}"))),
    };
    Health::down(reason)
}

/// The health of a manager without a connection.
pub(super) fn lost(error: &RedisError) -> Health {
    match error.kind() {
        ErrorKind::AuthenticationFailed => Health::down("authentication failed"),
        _ if error.is_connection_refusal() || is_foreign(error) => cannot_connect(error),
        _ => Health::down(format_args!("connection lost: {}", describe(error))),
    }
}

/// The health of a client that cannot connect. A server that refuses connections tells why and closes them, which the
/// error of the client does not tell.
pub(super) async fn unreachable(address: &ConnectionAddr, error: &RedisError) -> Health {
    let is_wrong_password = error.kind() == ErrorKind::AuthenticationFailed;
    let was_closed = error.is_connection_dropped() && !error.is_connection_refusal();
    if is_wrong_password || was_closed {
        let greeting = timeout(GREETING, greeting(address)).await;
        if let Some((code, detail)) = greeting.ok().flatten().as_deref().and_then(parse) {
            return explain(code, detail);
        }
    }
    if is_wrong_password { Health::down("authentication failed") } else { cannot_connect(error) }
}

fn cannot_connect(error: &RedisError) -> Health {
    if is_foreign(error) {
        return Health::down("the peer is not Redis");
    }
    Health::down(format_args!("cannot connect: {}", describe(error)))
}

/// Whether the peer speaks another protocol.
fn is_foreign(error: &RedisError) -> bool {
    matches!(error.kind(), ErrorKind::Parse | ErrorKind::UnexpectedReturnType)
}

/// What the server says without being asked.
async fn greeting(address: &ConnectionAddr) -> Option<String> {
    let ConnectionAddr::Tcp(host, port) = address else { return None };
    let stream = TcpStream::connect((host.as_str(), *port)).await.ok()?;
    let mut line = [0; 256];
    loop {
        stream.readable().await.ok()?;
        match stream.try_read(&mut line) {
            Ok(length) => return Some(String::from_utf8_lossy(&line[..length]).into_owned()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return None,
        }
    }
}

/// The code and the text of an error.
fn parse(greeting: &str) -> Option<(&str, &str)> {
    let error = greeting.lines().next()?.strip_prefix('-')?;
    Some(error.split_once(' ').unwrap_or((error, "")))
}

#[cfg(test)]
mod tests {
    use management_core::Status;

    use super::*;

    #[test]
    fn errors_of_the_server_have_plain_reasons_without_secrets() {
        for (error, status, reason) in [
            ("-LOADING Redis is loading the dataset", Status::Degraded, "loading its data"),
            ("-NOAUTH Authentication required.", Status::Down, "authentication required"),
            ("-ERR max number of clients reached", Status::Down, "max number of clients reached"),
            (
                "-MASTERDOWN Link with MASTER is down",
                Status::Down,
                "the replica has lost its master",
            ),
            ("-BUSY Redis is busy running a script", Status::Down, "busy with a script"),
            ("-ERR unknown command 'x'", Status::Down, "ERR unknown command '…'"),
            ("-ODD", Status::Down, "ODD"),
        ] {
            let (code, detail) = parse(error).expect("an error");
            let health = explain(code, detail);
            assert_eq!((health.status(), health.reason()), (status, Some(reason)));
        }
        assert_eq!(parse("+OK\r\n"), None);
        assert_eq!(parse(""), None);
    }
}
