//! TCP listeners at every address of a name.

use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use management_core::__private::warn;
use tokio::net::{TcpListener, TcpStream, ToSocketAddrs, lookup_host};
use tokio::time::sleep;

/// How many ports are tried to find one that is free at every address.
const MAX_TRIES: usize = 16;

/// The pause after an error of the system, such as too many open files; axum has the same.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Listens at every address of this name, at one port.
///
/// Addresses that this machine does not have are skipped, for instance because IPv6 is off. An address in use is an error:
/// clients that use the name would reach another server there.
pub(crate) async fn tcp(address: impl ToSocketAddrs) -> io::Result<Doors> {
    let mut addresses: Vec<SocketAddr> = Vec::new();
    for address in lookup_host(address).await? {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    let is_any_port = addresses.len() > 1 && addresses.iter().any(|address| address.port() == 0);
    let mut tries = if is_any_port { MAX_TRIES } else { 1 };
    loop {
        tries -= 1;
        match all(&addresses).await {
            // The port is free at the first address, but not at another one.
            Err(error) if error.kind() == ErrorKind::AddrInUse && tries > 0 => {}
            listeners => return Ok(Doors { listeners: listeners?, next: 0 }),
        }
    }
}

async fn all(addresses: &[SocketAddr]) -> io::Result<Vec<TcpListener>> {
    let (mut listeners, mut absent) = (Vec::new(), Vec::new());
    let mut port = 0;
    for &(mut address) in addresses {
        if address.port() == 0 {
            address.set_port(port);
        }
        match TcpListener::bind(address).await {
            Ok(listener) => {
                port = listener.local_addr()?.port();
                listeners.push(listener);
            }
            Err(error) if addresses.len() == 1 => return Err(error),
            Err(error) => {
                let error = io::Error::new(error.kind(), format!("{address}: {error}"));
                match error.kind() {
                    ErrorKind::AddrInUse | ErrorKind::PermissionDenied => return Err(error),
                    _ => absent.push(error),
                }
            }
        }
    }
    if listeners.is_empty() {
        let none = || io::Error::new(ErrorKind::NotFound, "this name has no address");
        return Err(absent.into_iter().next().unwrap_or_else(none));
    }
    for error in absent {
        let text = error.to_string();
        tracing::info!(target: "management", error = text, "the endpoints do not listen at {error}");
    }
    Ok(listeners)
}

/// Several listeners as one.
pub(crate) struct Doors {
    listeners: Vec<TcpListener>,
    /// The listener that is polled first, so that none starves.
    next: usize,
}

impl Doors {
    pub(crate) fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        self.listeners.iter().map(TcpListener::local_addr).collect()
    }

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        let count = self.listeners.len();
        for turn in 0..count {
            let at = (self.next + turn) % count;
            if let Poll::Ready(accepted) = self.listeners[at].poll_accept(cx) {
                self.next = at + 1;
                return Poll::Ready(accepted);
            }
        }
        Poll::Pending
    }
}

impl Listener for Doors {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            match poll_fn(|cx| self.poll_accept(cx)).await {
                Ok(accepted) => return accepted,
                Err(error) if is_of_client(&error) => {}
                Err(error) => {
                    let pauses = "the listener of the endpoints pauses for";
                    warn(format_args!("{pauses} {RETRY_PAUSE:?}"), &error);
                    sleep(RETRY_PAUSE).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listeners[0].local_addr()
    }
}

/// Whether the error concerns only one client.
fn is_of_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset
    )
}
