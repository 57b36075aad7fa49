//! A listening Unix socket and its file.

use std::fs::{self, Metadata, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use axum::serve::Listener;
use management_core::__private::warn;
use tokio::net::{UnixListener, UnixSocket, UnixStream};

/// The number of clients that may wait to be accepted, as for TCP.
const BACKLOG: u32 = 1024;

/// Listens at a path to which only the user of this process can connect.
pub(crate) async fn unix(path: &Path) -> io::Result<UnixDoor> {
    make_way(path).await?;
    let socket = UnixSocket::new_stream()?;
    socket.bind(path)?;
    let file = SocketFile::of(path)?;
    // Nobody can connect before the socket listens, so other users never can.
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    Ok(UnixDoor { file, listener: socket.listen(BACKLOG)? })
}

/// Removes the file of a socket on which nobody listens.
async fn make_way(path: &Path) -> io::Result<()> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    if !found.file_type().is_socket() {
        return Err(io::Error::new(
            ErrorKind::AlreadyExists,
            "the file at this path is not a socket",
        ));
    }
    match UnixStream::connect(path).await {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => match fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        // `WouldBlock`: a process listens, and its queue is full.
        Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
        _ => Err(io::Error::new(ErrorKind::AddrInUse, "another process listens at this path")),
    }
}

pub(crate) struct UnixDoor {
    /// Dropped before the listener: the file is certainly ours while the listener is open.
    file: SocketFile,
    listener: UnixListener,
}

impl UnixDoor {
    pub(crate) fn path(&self) -> &Path {
        &self.file.path
    }
}

impl Listener for UnixDoor {
    type Io = UnixStream;
    // Clients of a Unix socket have no address.
    type Addr = ();

    async fn accept(&mut self) -> (UnixStream, ()) {
        (Listener::accept(&mut self.listener).await.0, ())
    }

    fn local_addr(&self) -> io::Result<()> {
        Ok(())
    }
}

/// The file is removed when this is dropped, unless another process has replaced it.
struct SocketFile {
    path: PathBuf,
    id: (u64, u64),
}

impl SocketFile {
    fn of(path: &Path) -> io::Result<Self> {
        Ok(SocketFile { path: path.to_owned(), id: id(&fs::symlink_metadata(path)?) })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let removed = match fs::symlink_metadata(&self.path) {
            Ok(found) if id(&found) == self.id => fs::remove_file(&self.path),
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = removed
            && error.kind() != ErrorKind::NotFound
        {
            let path = self.path.display();
            warn(format_args!("cannot remove the socket {path}"), &error);
        }
    }
}

fn id(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}
