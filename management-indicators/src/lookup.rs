//! Looks up the addresses of names with the resolver of the system.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

use crate::error::describe;
use crate::flights::Flights;

/// The longest name that DNS has.
const MAX_NAME: usize = 253;

static LOOKUPS: Lookups = Lookups::new(|name| Ok((name, 0).to_socket_addrs()?.collect()));

/// The addresses of a name, with port 0. At least one.
pub(crate) async fn addresses(name: &str) -> Result<Vec<SocketAddr>, String> {
    LOOKUPS.addresses(name).await
}

/// Why this cannot be the name of a host, in words that follow the name.
pub(crate) fn complaint(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("is empty")
    } else if name.len() > MAX_NAME {
        Some("is longer than 253 bytes")
    } else if name
        .contains(|c: char| c.is_whitespace() || c.is_control() || "/\\@?#[]\"'".contains(c))
    {
        Some("contains a character that no name of a host has")
    } else {
        None
    }
}

type Found = Result<Vec<SocketAddr>, String>;

struct Lookups {
    lookup: fn(&str) -> io::Result<Vec<SocketAddr>>,
    flights: Flights<String, Found>,
}

impl Lookups {
    const fn new(lookup: fn(&str) -> io::Result<Vec<SocketAddr>>) -> Self {
        Lookups { lookup, flights: Flights::new() }
    }

    async fn addresses(&'static self, name: &str) -> Found {
        let own = name.to_owned();
        let found = self.flights.join(name.into(), move || (self.lookup)(&own).map_err(text));
        match found.await? {
            Ok(addresses) if addresses.is_empty() => Err("it has no address".into()),
            found => found,
        }
    }
}

fn text(error: io::Error) -> String {
    let text = describe(&error);
    text.strip_prefix("failed to lookup address information: ").unwrap_or(&text).into()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Condvar, Mutex};
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn while_no_name_server_answers_there_is_one_lookup() {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        static ANSWERS: Mutex<bool> = Mutex::new(false);
        static CHANGED: Condvar = Condvar::new();
        static SILENT: Lookups = Lookups::new(|_| {
            COUNT.fetch_add(1, Ordering::SeqCst);
            let answers = ANSWERS.lock().unwrap();
            drop(CHANGED.wait_while(answers, |answers| !*answers).unwrap());
            Ok(vec![([127, 0, 0, 1], 0).into()])
        });
        for _ in 0..3 {
            let asked = timeout(Duration::from_millis(20), SILENT.addresses("h")).await;
            asked.expect_err("no name server answers");
        }
        let answer = async {
            *ANSWERS.lock().unwrap() = true;
            CHANGED.notify_all();
        };
        let (found, ()) = tokio::join!(biased; SILENT.addresses("h"), answer);
        assert_eq!(found, Ok(vec![([127, 0, 0, 1], 0).into()]));
        assert_eq!(COUNT.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn failures_are_told() {
        static EMPTY: Lookups = Lookups::new(|_| Ok(Vec::new()));
        assert_eq!(EMPTY.addresses("h").await, Err("it has no address".into()));
        static UNKNOWN: Lookups = Lookups::new(|_| {
            Err(io::Error::other("failed to lookup address information: Name unknown"))
        });
        assert_eq!(UNKNOWN.addresses("h").await, Err("Name unknown".into()));
    }

    #[tokio::test]
    async fn addresses_need_no_name_server() {
        for (name, address) in [("127.0.0.1", "127.0.0.1:0"), ("::1", "[::1]:0")] {
            assert_eq!(addresses(name).await, Ok(vec![address.parse().unwrap()]));
        }
    }

    #[test]
    fn names_that_cannot_be() {
        for name in ["db.internal", "mail", "_sip._tcp.example.org.", "::1", "fe80::1%eth0"] {
            assert_eq!(complaint(name), None, "{name}");
        }
        for name in ["", "a b", "http://h", "u:p@h", "h\n", &"x".repeat(254)] {
            assert!(complaint(name).is_some(), "{name}");
        }
    }
}
