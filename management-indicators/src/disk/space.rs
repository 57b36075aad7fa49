use std::io;
use std::path::Path;

use rustix::fs::{Access, StatVfsMountFlags};
use rustix::io::Errno;

use super::threshold::{Amount, Threshold, size};
use crate::error::describe;

/// What a file system has left.
#[derive(Clone, Debug, Default)]
pub(super) struct Space {
    /// The bytes that this user can write.
    pub(super) free: u64,
    pub(super) total: u64,
    pub(super) free_inodes: u64,
    /// 0 if the file system does not count inodes.
    pub(super) total_inodes: u64,
    /// Why nothing can be written.
    pub(super) read_only: Option<String>,
}

impl Space {
    /// Asks the file system, which may block for ever.
    pub(super) fn of(path: &Path) -> Result<Self, String> {
        let failed =
            |error: io::Error| format!("cannot read the file system: {}", describe(&error));
        let found = rustix::fs::statvfs(path).map_err(|error| failed(error.into()))?;
        let read_only = if found.f_flag.contains(StatVfsMountFlags::RDONLY) {
            Some("read only".into())
        } else {
            // A file can only be made in a folder that may be entered.
            let is_folder = path.metadata().map_err(failed)?.is_dir();
            let needed =
                if is_folder { Access::WRITE_OK | Access::EXEC_OK } else { Access::WRITE_OK };
            match rustix::fs::access(path, needed) {
                Ok(()) => None,
                Err(Errno::ROFS) => Some("read only".into()),
                Err(error) => Some(format!("not writable: {}", describe(&io::Error::from(error)))),
            }
        };
        Ok(Space {
            free: found.f_bavail.saturating_mul(found.f_frsize),
            total: found.f_blocks.saturating_mul(found.f_frsize),
            free_inodes: found.f_favail,
            total_inodes: found.f_files,
            read_only,
        })
    }

    /// Why this is below the threshold, if it is.
    pub(super) fn lacks(&self, threshold: &Threshold) -> Option<String> {
        match threshold.amount {
            Amount::Bytes(bytes) => (self.free < bytes)
                .then(|| format!("{} free, less than {threshold}", size(self.free))),
            Amount::Percent(percent) => {
                let is_below =
                    |free, total| Some(share(free, total)?).filter(|share| *share < percent);
                if let Some(share) = is_below(self.free, self.total) {
                    return Some(format!("{}% free, less than {threshold}", tenths(share)));
                }
                let share = is_below(self.free_inodes, self.total_inodes)?;
                Some(format!("{}% of the inodes free, less than {threshold}", tenths(share)))
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a percentage needs no more")]
fn share(free: u64, total: u64) -> Option<f64> {
    (total > 0).then(|| free as f64 * 100.0 / total as f64)
}

/// Rounded down, so that what is below a threshold does not look like it.
fn tenths(percent: f64) -> String {
    format!("{:.1}", (percent * 10.0).floor() / 10.0)
}
