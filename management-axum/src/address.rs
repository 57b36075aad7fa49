//! The addresses at which the endpoints can listen.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::path::Path;

use tokio::net::ToSocketAddrs;

/// An address for [`listen`](crate::listen()): any [`ToSocketAddrs`], or text that names a Unix socket, such as
/// `"unix:/run/app/management.sock"`.
///
/// This trait is sealed.
pub trait ListenAddress: ToSocketAddrs + UnixPath + fmt::Debug {}

impl<A: ToSocketAddrs + UnixPath + fmt::Debug + ?Sized> ListenAddress for A {}

mod sealed {
    use std::path::Path;

    /// Whether an address is a Unix socket.
    #[expect(unnameable_types, reason = "this seals `ListenAddress`")]
    pub trait UnixPath {
        /// The path of the Unix socket, if the address is one.
        fn unix_path(&self) -> Option<&Path> {
            None
        }
    }
}
use sealed::UnixPath;

impl UnixPath for SocketAddr {}
impl UnixPath for SocketAddrV4 {}
impl UnixPath for SocketAddrV6 {}
impl UnixPath for (IpAddr, u16) {}
impl UnixPath for (Ipv4Addr, u16) {}
impl UnixPath for (Ipv6Addr, u16) {}
impl UnixPath for (&str, u16) {}
impl UnixPath for (String, u16) {}
impl UnixPath for &[SocketAddr] {}

impl UnixPath for str {
    fn unix_path(&self) -> Option<&Path> {
        // `unix:80` is port 80 of a host named `unix`.
        self.strip_prefix("unix:").filter(|path| path.starts_with('/')).map(Path::new)
    }
}

impl UnixPath for String {
    fn unix_path(&self) -> Option<&Path> {
        self.as_str().unix_path()
    }
}

impl<A: UnixPath + ?Sized> UnixPath for &A {
    fn unix_path(&self) -> Option<&Path> {
        (**self).unix_path()
    }
}
