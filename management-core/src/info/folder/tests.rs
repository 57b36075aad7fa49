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
        _ = fs::remove_dir_all(&self.0);
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
        assert_eq!(refusal(&path), "other users can write to the folder");
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
        let (real, link, file) =
            (scratch.path().join("real"), scratch.path().join("link"), scratch.path().join("f"));
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
