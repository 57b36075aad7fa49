//! The address of a server, and a connection to it.

use std::net::{Ipv6Addr, SocketAddr};

use management_core::__private::url_on_a_line;
use management_core::CurrentRun;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::error::describe;
use crate::lookup;
use crate::time::allowed;

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    /// A name or an IP address, without brackets.
    pub(crate) host: String,
    port: u16,
}

impl Address {
    /// Reads `host:port`. The error names the text and the remedy.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let parse = || {
            if text.contains("://") {
                return Err("it is a URL");
            }
            let (host, port) = text.rsplit_once(':').ok_or("it has no port")?;
            let host = match host.strip_prefix('[').map(|host| host.strip_suffix(']')) {
                Some(Some(host)) if host.split('%').next().is_some_and(is_v6) => host,
                Some(_) => return Err("its brackets contain no IPv6 address"),
                None if host.contains(':') => return Err("an IPv6 address needs brackets"),
                None => host,
            };
            if host.is_empty() {
                return Err("it has no host");
            }
            if lookup::complaint(host).is_some() {
                return Err("its host is not a name");
            }
            let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
            match port.parse() {
                Ok(port) if port > 0 && is_number => Ok(Address { host: host.into(), port }),
                _ => Err("its port is not a number from 1 to 65535"),
            }
        };
        parse().map_err(|why| {
            format!(
                "the address \"{}\" is not valid, since {why}: write it like \"example.org:443\" or \"[::1]:443\"",
                url_on_a_line(text)
            )
        })
    }

    /// Connects to one address of the host after the other, until one accepts. The reason is complete.
    pub(crate) async fn connect(&self) -> Result<TcpStream, String> {
        let deadline = Instant::now() + allowed();
        CurrentRun::step("looking up its name");
        let addresses = lookup::addresses(&self.host)
            .await
            .map_err(|why| format!("cannot look up its name: {why}"))?;
        self.connect_to(&addresses, deadline).await
    }

    async fn connect_to(
        &self,
        addresses: &[SocketAddr],
        deadline: Instant,
    ) -> Result<TcpStream, String> {
        CurrentRun::step("connecting");
        let mut failure = String::new();
        for (index, mut address) in addresses.iter().copied().enumerate() {
            address.set_port(self.port);
            let connect = TcpStream::connect(address);
            let left = u32::try_from(addresses.len() - index).unwrap_or(u32::MAX);
            let connected = if left == 1 {
                // The deadline of the run is watched in any case.
                connect.await
            } else {
                // Without a share of the time for each address, one that is dead would take all of it.
                let share = deadline.saturating_duration_since(Instant::now()) / left;
                match timeout(share, connect).await {
                    Ok(connected) => connected,
                    Err(_) => continue,
                }
            };
            match connected {
                Ok(stream) => return Ok(stream),
                Err(error) => failure = describe(&error),
            }
        }
        Err(format!("cannot connect: {failure}"))
    }
}

fn is_v6(host: &str) -> bool {
    host.parse::<Ipv6Addr>().is_ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::net::{TcpListener, TcpSocket};

    use super::*;

    /// With paused time, the share of the dead address is over at once.
    #[tokio::test(start_paused = true)]
    async fn a_dead_address_leaves_time_for_the_next() {
        let dead = TcpSocket::new_v4().unwrap();
        dead.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let port = dead.local_addr().unwrap().port();
        // Once two wait to be accepted, the next one gets no answer.
        let _dead = dead.listen(1).unwrap();
        let connect = || std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
        let _waiting = (connect(), connect());
        let alive = TcpListener::bind(("127.0.0.2", port)).await.unwrap();
        let address = Address { host: "two".into(), port };
        let two = [([127, 0, 0, 1], 0).into(), ([127, 0, 0, 2], 0).into()];
        let begun = Instant::now();
        let connected = address.connect_to(&two, begun + Duration::from_secs(4)).await.unwrap();
        assert_eq!(connected.peer_addr().unwrap(), alive.local_addr().unwrap());
        assert_eq!(begun.elapsed().as_secs(), 2, "half of the time is for the first address");
    }

    #[test]
    fn addresses() {
        for (text, host, port) in [
            ("mail:25", "mail", 25),
            ("127.0.0.1:443", "127.0.0.1", 443),
            ("[::1]:443", "::1", 443),
            ("[fe80::1%eth0]:1", "fe80::1%eth0", 1),
            ("example.org.:65535", "example.org.", 65535),
        ] {
            assert_eq!(Address::parse(text), Ok(Address { host: host.into(), port }));
        }
    }

    #[test]
    fn what_is_no_address() {
        for (text, why) in [
            ("", "no port"),
            ("mail", "no port"),
            (":25", "no host"),
            ("mail:", "its port"),
            ("mail:0", "its port"),
            ("mail:+25", "its port"),
            ("mail:65536", "its port"),
            ("::1:25", "brackets"),
            ("[mail]:25", "brackets"),
            ("[::1:25", "brackets"),
            ("a b:25", "not a name"),
            ("smtp://mail:25", "URL"),
            ("app:hunter2@mail:25", "brackets"),
            ("https://app:hunter2@mail:25", "URL"),
        ] {
            let complaint = Address::parse(text).unwrap_err();
            assert!(complaint.contains(why), "{text}: {complaint}");
            assert!(!complaint.contains("hunter2"), "{complaint}");
        }
    }
}
