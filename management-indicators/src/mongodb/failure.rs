//! What an error of the driver means, without hosts and users.

use std::io;

use mongodb::error::{Error, ErrorKind};

use crate::error::{describe, redact};

/// `AuthenticationFailed`, and `AtlasError`, with which MongoDB Atlas refuses credentials.
const AUTHENTICATION: [i32; 2] = [18, 8000];

/// Whether the next try may meet another connection or another server.
pub(super) fn is_worth_a_retry(error: &Error) -> bool {
    match &*error.kind {
        ErrorKind::Io(_) | ErrorKind::ConnectionPoolCleared { .. } => true,
        ErrorKind::Command(error) => !AUTHENTICATION.contains(&error.code),
        _ => false,
    }
}

pub(super) fn reason(error: &Error) -> String {
    let text = match &*error.kind {
        ErrorKind::Io(error) => return io_reason(error),
        ErrorKind::ServerSelection { message, .. } => return selection_reason(message),
        ErrorKind::Authentication { .. } => "authentication failed",
        ErrorKind::Command(error) if AUTHENTICATION.contains(&error.code) => {
            "authentication failed"
        }
        // Its message may name databases and users.
        ErrorKind::Command(error) if error.code_name.is_empty() => {
            return format!("the server answered error {}", error.code);
        }
        ErrorKind::Command(error) => return format!("the server answered {}", error.code_name),
        ErrorKind::ConnectionPoolCleared { .. } => "connection lost",
        ErrorKind::DnsResolve { .. } => "cannot resolve the host name",
        ErrorKind::InvalidTlsConfig { .. } => "invalid TLS configuration",
        ErrorKind::IncompatibleServer { .. } => "the version of the server is not supported",
        ErrorKind::InvalidResponse { .. } => "the answer is not that of MongoDB",
        ErrorKind::Shutdown => "the client has been shut down",
        _ => "the client failed",
    };
    text.to_owned()
}

fn io_reason(error: &io::Error) -> String {
    let what = match error.kind() {
        io::ErrorKind::BrokenPipe
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::UnexpectedEof => "connection lost",
        _ => "cannot connect",
    };
    format!("{what}: {}", describe(error))
}

/// The error of the first server, from a text that names all servers and their addresses:
/// `… Error: Kind: I/O error: Connection refused (os error 111), labels: {}, …`
fn selection_reason(message: &str) -> String {
    let error = message
        .split_once("Error: Kind: ")
        .and_then(|(_, error)| error.split_once(", labels: "))
        .map(|(error, _)| error);
    match error {
        Some(error) => match error.strip_prefix("I/O error: ") {
            Some(error) => format!("cannot connect: {}", redact(error)),
            None if error.starts_with("An error occurred during DNS resolution") => {
                "cannot resolve the host name".into()
            }
            None if error.starts_with("The server returned an invalid reply") => {
                "the answer is not that of MongoDB".into()
            }
            None => "no server works".into(),
        },
        None if message.contains("None of the available servers suitable") => {
            "no server is suitable for the read preference".into()
        }
        None => "no server works".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_tells_no_address() {
        for (message, reason) in [
            (
                "Server selection timeout: No available servers. Topology: { Type: Unknown, Servers: [ { \
                 Address: db.example:27017, Type: Unknown, Error: Kind: I/O error: Connection refused (os \
                 error 111), labels: {}, source: None, server response: None } ] }",
                "cannot connect: Connection refused (os error 111)",
            ),
            (
                "Topology: { Servers: [ { Address: a, Error: Kind: An error occurred during DNS resolution: \
                 failed to lookup a, labels: {} } ] }",
                "cannot resolve the host name",
            ),
            (
                "Server selection timeout: None of the available servers suitable for criteria X. Topology: {}",
                "no server is suitable for the read preference",
            ),
            ("Error: Kind: something of db.example, labels: {}", "no server works"),
            ("Error: Kind: db.example", "no server works"),
            ("", "no server works"),
        ] {
            assert_eq!(selection_reason(message), reason);
        }
    }
}
