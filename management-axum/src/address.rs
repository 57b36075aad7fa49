//! What the endpoints can listen at.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::path::Path;

use tokio::net::ToSocketAddrs;

/// What [`serve`](crate::serve) can listen at: whatever is [`ToSocketAddrs`], and text that names a Unix
/// socket, such as `"unix:/run/app/management.sock"`.
pub trait ListenAddress: ToSocketAddrs + fmt::Debug {
    /// The path of a Unix socket, where this is one.
    #[doc(hidden)]
    fn unix_path(&self) -> Option<&Path> {
        None
    }
}

impl ListenAddress for SocketAddr {}
impl ListenAddress for SocketAddrV4 {}
impl ListenAddress for SocketAddrV6 {}
impl ListenAddress for (IpAddr, u16) {}
impl ListenAddress for (Ipv4Addr, u16) {}
impl ListenAddress for (Ipv6Addr, u16) {}
impl ListenAddress for (&str, u16) {}
impl ListenAddress for (String, u16) {}
impl ListenAddress for &[SocketAddr] {}

impl ListenAddress for str {
    fn unix_path(&self) -> Option<&Path> {
        // A host may be called `unix`, and then a port follows.
        self.strip_prefix("unix:").filter(|path| path.starts_with('/')).map(Path::new)
    }
}

impl ListenAddress for String {
    fn unix_path(&self) -> Option<&Path> {
        self.as_str().unix_path()
    }
}

impl<A: ListenAddress + ?Sized> ListenAddress for &A {
    fn unix_path(&self) -> Option<&Path> {
        (**self).unix_path()
    }
}
