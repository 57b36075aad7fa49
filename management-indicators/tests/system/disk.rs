//! A small file system in memory, which is filled, emptied and made read-only.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use management_core::Status;
use management_indicators::disk;
use tempfile::TempDir;

use crate::{Asked, assert_health, run};

/// A mounted file system of 2 MiB with 50 inodes, until this is dropped.
struct Small(TempDir);

impl Small {
    /// `None` without the permission to mount.
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = mount(folder.path(), "size=2m,nr_inodes=50,mode=777");
        if let Err(why) = mounted {
            eprintln!("not tested: this process may not mount a file system: {why}");
            return None;
        }
        Some(Small(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}

fn mount(path: &Path, options: &str) -> Result<(), String> {
    let output = Command::new("mount")
        .args(["-t", "tmpfs", "-o", options, "none"])
        .arg(path)
        .output()
        .map_err(|error| error.to_string())?;
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    }
}

#[tokio::test]
async fn a_file_system_that_fills() {
    let Some(small) = Small::mount() else { return };
    let path = small.path();
    let check = Asked::new(disk::check("disk", path, "500KiB").warn_below("60%"));
    let health = check.health().await;
    assert_health(&health, Status::Up, "");
    assert_eq!(health.details()["path"], path.to_str().unwrap());
    assert_eq!(health.details()["total"], 2 << 20);
    assert_eq!(health.details()["free"], 2 << 20);
    assert_eq!(health.details()["totalInodes"], 50);
    assert_eq!(health.details()["freeInodes"], 49);
    assert_eq!(health.details()["threshold"], "500KiB");

    fs::write(path.join("half"), vec![1; 1 << 20]).unwrap();
    assert_health(&check.health().await, Status::Degraded, "50.0% free, less than 60%");
    assert_health(&disk::ping(path, "500KiB").await, Status::Up, "");

    fs::write(path.join("more"), vec![1; 600 << 10]).unwrap();
    let why = "434.1 kB free, less than 500KiB";
    assert_health(&check.health().await, Status::Down, why);
    assert_health(&disk::ping(path, "500KiB").await, Status::Down, why);
    assert_health(&disk::ping(path, "30%").await, Status::Down, "20.7% free, less than 30%");

    fs::remove_file(path.join("half")).unwrap();
    fs::remove_file(path.join("more")).unwrap();
    assert_health(&check.health().await, Status::Up, "");
}

#[tokio::test]
async fn a_file_system_without_inodes() {
    let Some(small) = Small::mount() else { return };
    let path = small.path();
    let (by_share, by_size) =
        (Asked::new(disk::check("disk", path, "5%")), Asked::new(disk::check("disk", path, "1B")));
    for number in 0..47 {
        fs::write(path.join(number.to_string()), "").unwrap();
    }
    let why = "4.0% of the inodes free, less than 5%";
    assert_health(&by_share.health().await, Status::Down, why);
    assert_health(&by_size.health().await, Status::Up, "");
    for number in 47..49 {
        fs::write(path.join(number.to_string()), "").unwrap();
    }
    fs::write(path.join("one-more"), "").unwrap_err();
    assert_health(&by_share.health().await, Status::Down, "no inodes left");
    assert_health(&by_size.health().await, Status::Down, "no inodes left");
    assert_health(&disk::ping(path, "0B").await, Status::Down, "no inodes left");
}

#[tokio::test]
async fn a_file_system_that_becomes_read_only() {
    let Some(small) = Small::mount() else { return };
    let path = small.path();
    let file = path.join("file");
    fs::write(&file, "").unwrap();
    let check = Asked::new(disk::check("disk", &file, "1%"));
    assert_health(&check.health().await, Status::Up, "");
    mount(path, "remount,ro,size=2m,nr_inodes=50").unwrap();
    assert_health(&check.health().await, Status::Down, "read only");
    assert_health(&disk::ping(path, "1%").await, Status::Down, "read only");
}

/// A mounted file system without a daemon, which never answers until this is dropped.
struct Silent {
    device: Option<File>,
    folder: TempDir,
}

impl Silent {
    /// `None` without the permission to mount, and without FUSE.
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = || -> Result<File, String> {
            let device = File::options().read(true).write(true).open("/dev/fuse");
            let device = device.map_err(|error| error.to_string())?;
            let output = Command::new("mount")
                .args([
                    "-i",
                    "-t",
                    "fuse",
                    "-o",
                    "fd=0,rootmode=40000,user_id=0,group_id=0",
                    "none",
                ])
                .arg(folder.path())
                .stdin(device.try_clone().map_err(|error| error.to_string())?)
                .output()
                .map_err(|error| error.to_string())?;
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            if output.status.success() { Ok(device) } else { Err(said) }
        };
        match mounted() {
            Ok(device) => Some(Silent { device: Some(device), folder }),
            Err(why) => {
                eprintln!("not tested: this process may not mount with FUSE: {why}");
                None
            }
        }
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        // Ends all that wait for the file system.
        self.device = None;
        _ = Command::new("umount").arg("--lazy").arg(self.folder.path()).status();
    }
}

fn threads() -> usize {
    fs::read_dir("/proc/self/task").unwrap().count()
}

#[tokio::test]
async fn a_file_system_that_never_answers() {
    let Some(mut silent) = Silent::mount() else { return };
    let path = silent.folder.path().to_owned();
    let check = disk::check("disk", &path, "1%").timeout(Duration::from_millis(200));
    let why = "timed out after 200ms while waiting for the file system";
    assert_health(&run(check).await, Status::Down, why);

    let before = threads();
    let pings: Vec<_> = (0..30).map(|_| tokio::spawn(disk::ping(path.clone(), "1%"))).collect();
    for _ in 0..30 {
        tokio::task::yield_now().await;
    }
    // Other tests start threads as well, but each of them only a few.
    let more = threads().saturating_sub(before);
    assert!(more < 20, "{more} threads for 30 pings");
    silent.device = None;
    for ping in pings {
        let why = "cannot read the file system: ";
        assert_health(&ping.await.unwrap(), Status::Down, why);
    }
}

/// What the process of another user runs, in the folder of this variable.
const FOLDER: &str = "FOLDER_OF_ROOT";

#[tokio::test]
async fn a_folder_of_another_user() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        let health = run(disk::check("disk", folder, "0B")).await;
        assert_health(&health, Status::Down, "not writable: Permission denied (os error 13)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    if folder.path().metadata().unwrap().uid() != 0 {
        eprintln!("not tested: only root can run a process of another user");
        return;
    }
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    // The other user may not be allowed to read the folder of the build.
    let program = folder.path().join("tests");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let nobody = 65_534;
    let output = Command::new(program)
        .args(["--exact", "disk::a_folder_of_another_user", "--nocapture"])
        .env(FOLDER, folder.path())
        .current_dir(folder.path())
        .uid(nobody)
        .gid(nobody)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{output:?}");
}
