//! A folder with files that several processes write, and in which others may have planted something.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

const BETWEEN_TRIES: Duration = Duration::from_millis(2);

/// An open folder. Names in it are single segments, and no link behind one is followed.
#[cfg(unix)]
pub(super) struct Folder(rustix::fd::OwnedFd);

#[cfg(unix)]
impl Folder {
    /// A folder that someone chose, who may have made it a link. It is made if it is not there.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        Folder::at(path, OFlags::empty())
    }

    /// A folder in a place where everybody may write. It is made if it is not there, and refused
    /// unless it is ours alone.
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
            return Err(io::Error::other("others may write into the folder"));
        }
        Ok(folder)
    }

    /// Opens a file that is there.
    pub(super) fn read(&self, name: &str) -> io::Result<File> {
        regular(self.file(name, OFlags::RDONLY)?)
    }

    /// Makes a file that was not there.
    pub(super) fn create(&self, name: &str) -> io::Result<File> {
        self.file(name, OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL)
    }

    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.0, name, rustix::fs::AtFlags::empty())?)
    }

    /// What is called `to` already, a link too, is replaced in one step.
    pub(super) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.0, from, &self.0, to)?)
    }

    /// Waits so long for a lock, which ends with the returned value or with this process.
    pub(super) fn lock(&self, name: &str, patience: Duration) -> io::Result<File> {
        use rustix::fs::FlockOperation::NonBlockingLockExclusive;
        let file = regular(self.file(name, OFlags::RDWR | OFlags::CREATE)?)?;
        retry(patience, || match rustix::fs::flock(&file, NonBlockingLockExclusive) {
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
        // To open a named pipe that nobody writes to would wait for ever.
        let flags = flags | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        Ok(rustix::fs::openat(&self.0, name, flags, mode)?.into())
    }
}

#[cfg(unix)]
use rustix::fs::OFlags;

/// The path of a folder. Elsewhere than on Unix the folder for temporary files is the user's own,
/// and it takes an administrator to make a link.
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
            return Err(io::Error::other("it is no regular file"));
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

    pub(super) fn lock(&self, name: &str, patience: Duration) -> io::Result<File> {
        const SHARING_VIOLATION: i32 = 32;
        let mut options = fs::OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        // Nobody else can open the file while this one has it open.
        #[cfg(windows)]
        std::os::windows::fs::OpenOptionsExt::share_mode(&mut options, 0);
        retry(patience, || match options.open(self.0.join(name)) {
            Err(error) if error.raw_os_error() == Some(SHARING_VIOLATION) => Ok(None),
            opened => opened.map(Some),
        })
    }
}

fn regular(file: File) -> io::Result<File> {
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::other("it is no regular file"))
    }
}

fn retry<T>(
    patience: Duration,
    mut attempt: impl FnMut() -> io::Result<Option<T>>,
) -> io::Result<T> {
    let begun = Instant::now();
    loop {
        if let Some(done) = attempt()? {
            return Ok(done);
        }
        if begun.elapsed() >= patience {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "another process locks it"));
        }
        std::thread::sleep(BETWEEN_TRIES);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::path::PathBuf;

    use super::*;

    /// A folder for one test, gone with it.
    pub(in crate::info) struct Scratch(PathBuf);

    impl Scratch {
        pub(in crate::info) fn new() -> Self {
            let name = format!("management-test-{}-{}", std::process::id(), fastrand::u64(..));
            let path = std::env::temp_dir().join(name);
            fs::create_dir(&path).unwrap();
            Scratch(path)
        }

        pub(in crate::info) fn path(&self) -> &Path {
            &self.0
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_lock_is_held_until_it_is_dropped() {
        let scratch = Scratch::new();
        let folder = Folder::open(scratch.path()).unwrap();
        let lock = folder.lock("lock", Duration::ZERO).unwrap();
        let waited = folder.lock("lock", Duration::from_millis(20)).unwrap_err();
        assert_eq!(waited.kind(), io::ErrorKind::TimedOut);
        drop(lock);
        folder.lock("lock", Duration::ZERO).unwrap();
    }

    #[cfg(unix)]
    mod unix {
        use std::os::unix::fs::{PermissionsExt, chown, symlink};

        use super::*;

        fn refusal(path: &Path) -> String {
            Folder::open_own(path).map(|_| ()).unwrap_err().to_string()
        }

        #[test]
        fn an_own_folder_is_closed_to_others() {
            let scratch = Scratch::new();
            let path = scratch.path().join("own");
            for _ in 0..2 {
                Folder::open_own(&path).unwrap();
                assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
            }
            fs::set_permissions(&path, fs::Permissions::from_mode(0o720)).unwrap();
            assert_eq!(refusal(&path), "others may write into the folder");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            Folder::open_own(&path).unwrap();
        }

        #[test]
        fn the_folder_of_another_is_refused() {
            let scratch = Scratch::new();
            let path = scratch.path().join("own");
            fs::create_dir(&path).unwrap();
            if chown(&path, Some(12345), None).is_ok() {
                assert_eq!(refusal(&path), "the folder belongs to another user");
            }
        }

        #[test]
        fn an_own_folder_is_neither_link_nor_file() {
            let scratch = Scratch::new();
            let (real, link, file) = (
                scratch.path().join("real"),
                scratch.path().join("link"),
                scratch.path().join("f"),
            );
            fs::create_dir(&real).unwrap();
            symlink(&real, &link).unwrap();
            fs::write(&file, "").unwrap();
            assert!(Folder::open_own(&link).is_err());
            assert!(Folder::open_own(&file).is_err());
            // Someone chose this one, as systemd does with `DynamicUser=`.
            Folder::open(&link).unwrap();
        }

        #[test]
        fn no_link_is_followed() {
            let scratch = Scratch::new();
            let folder = Folder::open(scratch.path()).unwrap();
            fs::write(scratch.path().join("target"), "secret").unwrap();
            symlink(scratch.path().join("target"), scratch.path().join("link")).unwrap();
            symlink(scratch.path().join("absent"), scratch.path().join("dangling")).unwrap();
            assert!(folder.read("link").is_err());
            assert!(folder.lock("link", Duration::ZERO).is_err());
            assert!(folder.create("dangling").is_err());
            assert!(folder.lock("dangling", Duration::ZERO).is_err());
            assert!(!scratch.path().join("absent").exists());
        }

        #[test]
        fn what_is_no_file_is_not_opened() {
            let scratch = Scratch::new();
            let folder = Folder::open(scratch.path()).unwrap();
            fs::create_dir(scratch.path().join("folder")).unwrap();
            assert!(folder.read("folder").is_err());
            assert!(folder.lock("folder", Duration::ZERO).is_err());
            #[cfg(target_os = "linux")]
            {
                use rustix::fs::{CWD, FileType, mknodat};
                let pipe = scratch.path().join("pipe");
                mknodat(CWD, &pipe, FileType::Fifo, 0o600.into(), 0).unwrap();
                assert!(folder.read("pipe").is_err());
                assert!(folder.lock("pipe", Duration::ZERO).is_err());
            }
        }
    }
}
