//! A folder with files that several processes write, and in which another user may have planted files.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

const RETRY_INTERVAL: Duration = Duration::from_millis(2);

/// An open folder. The names of its files are single segments, and links are not followed.
#[cfg(unix)]
pub(super) struct Folder(rustix::fd::OwnedFd);

#[cfg(unix)]
impl Folder {
    /// Opens a folder that the user configured, which may be a link. Creates it if it does not exist.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        Folder::at(path, OFlags::empty())
    }

    /// Opens a folder in a place where every user can write. Creates it if it does not exist. Fails unless only this user
    /// can write to it.
    pub(super) fn open_own(path: &Path) -> io::Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        match fs::DirBuilder::new().mode(0o700).create(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let folder = Folder::at(path, OFlags::NOFOLLOW)?;
        let about = rustix::fs::fstat(&folder.0)?;
        if about.st_uid != rustix::process::geteuid().as_raw() {
            return Err(io::Error::other("the folder belongs to another user"));
        }
        if about.st_mode & 0o022 != 0 {
            return Err(io::Error::other("other users can write to the folder"));
        }
        Ok(folder)
    }

    /// Opens an existing file.
    pub(super) fn read(&self, name: &str) -> io::Result<File> {
        regular(self.file(name, OFlags::RDONLY)?)
    }

    /// Creates a new file. Fails if it exists.
    pub(super) fn create(&self, name: &str) -> io::Result<File> {
        self.file(name, OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL)
    }

    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.0, name, rustix::fs::AtFlags::empty())?)
    }

    /// Renames a file, and atomically replaces an existing file or link.
    pub(super) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.0, from, &self.0, to)?)
    }

    /// Takes a lock, and waits for it until `timeout`. Dropping the returned file releases it, and so does the end of the
    /// process.
    pub(super) fn lock(&self, name: &str, timeout: Duration) -> io::Result<File> {
        use rustix::fs::FlockOperation::NonBlockingLockExclusive;
        let file = regular(self.file(name, OFlags::RDWR | OFlags::CREATE)?)?;
        retry(timeout, || match rustix::fs::flock(&file, NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(())),
            Err(rustix::io::Errno::WOULDBLOCK | rustix::io::Errno::INTR) => Ok(None),
            Err(error) => Err(error.into()),
        })?;
        Ok(file)
    }

    fn at(path: &Path, flags: OFlags) -> io::Result<Self> {
        let flags = flags | OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Folder(rustix::fs::open(path, flags, rustix::fs::Mode::empty())?))
    }

    fn file(&self, name: &str, flags: OFlags) -> io::Result<File> {
        // Without `NONBLOCK`, opening a named pipe without a writer would block.
        let flags = flags | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        Ok(rustix::fs::openat(&self.0, name, flags, mode)?.into())
    }
}

#[cfg(unix)]
use rustix::fs::OFlags;

/// The path of a folder. On systems other than Unix, the folder for temporary files belongs to one user, and only an
/// administrator can create a link.
#[cfg(not(unix))]
pub(super) struct Folder(std::path::PathBuf);

#[cfg(not(unix))]
impl Folder {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        Ok(Folder(path.to_owned()))
    }

    pub(super) fn open_own(path: &Path) -> io::Result<Self> {
        Folder::open(path)
    }

    pub(super) fn read(&self, name: &str) -> io::Result<File> {
        let path = self.0.join(name);
        if !fs::symlink_metadata(&path)?.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
        regular(File::open(path)?)
    }

    pub(super) fn create(&self, name: &str) -> io::Result<File> {
        File::create_new(self.0.join(name))
    }

    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.0.join(name))
    }

    pub(super) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.0.join(from), self.0.join(to))
    }

    pub(super) fn lock(&self, name: &str, timeout: Duration) -> io::Result<File> {
        const SHARING_VIOLATION: i32 = 32;
        let mut options = fs::OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        // No other process can open the file while it is open here.
        #[cfg(windows)]
        std::os::windows::fs::OpenOptionsExt::share_mode(&mut options, 0);
        retry(timeout, || match options.open(self.0.join(name)) {
            Err(error) if error.raw_os_error() == Some(SHARING_VIOLATION) => Ok(None),
            opened => opened.map(Some),
        })
    }
}

fn regular(file: File) -> io::Result<File> {
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::other("it is not a regular file"))
    }
}

fn retry<T>(
    timeout: Duration,
    mut attempt: impl FnMut() -> io::Result<Option<T>>,
) -> io::Result<T> {
    let begun = Instant::now();
    loop {
        if let Some(done) = attempt()? {
            return Ok(done);
        }
        if begun.elapsed() >= timeout {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "another process holds its lock"));
        }
        std::thread::sleep(RETRY_INTERVAL);
    }
}

#[cfg(test)]
pub(super) mod tests;
