//! File systems that have to have free space.
//!
//! ```no_run
//! use management_core::{Health, Management, health_check};
//! use management_indicators as indicators;
//!
//! #[health_check("scratch", critical = false)]
//! async fn scratch() -> Health {
//!     indicators::disk::ping("/scratch", "5%").await
//! }
//!
//! let management = Management::builder()
//!     .check(indicators::disk::check("disk", "/data", "500MB").warn_below("10%"))
//!     .build()?;
//! # Ok::<_, management_core::Error>(())
//! ```

mod space;
mod threshold;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use management_core::__private::{Mutex, complain};
use management_core::{Check, CurrentRun, Health};

use self::space::Space;
use self::threshold::Threshold;
use crate::flights::Flights;
use crate::setters::setters;
use crate::time::within_deadline;

/// A check of a file system, made by [`check`].
///
/// The setters of the indicator come first, since those of a check return a [`Check`].
#[derive(Debug)]
#[must_use = "a check does nothing until it is given to a builder or registered"]
pub struct Disk {
    check: Check,
    limits: Arc<Mutex<Limits>>,
}

setters!([] Disk);

#[derive(Clone, Debug)]
struct Limits {
    path: PathBuf,
    down: Threshold,
    warn: Option<Threshold>,
}

/// A check that is `DOWN` if a file system has less free space than a threshold.
///
/// The path is a folder or a file. The threshold is a size such as `500MB` or `2GiB`, or a share of the file system such
/// as `5%`. The units are `B`, `kB`, `MB`, `GB`, `TB` and `PB`, with 1000 bytes to the kB, and `KiB` to `PiB`, with 1024
/// bytes to the KiB. Space that is reserved for root does not count as free. A share is also that of the free inodes.
///
/// The check is `DOWN` with
///
/// - `12.3 MB free, less than 500MB`, `4.2% free, less than 5%` or `1.0% of the inodes free, less than 5%`,
/// - `no inodes left`, whatever the threshold, unless the file system does not count inodes, as btrfs,
/// - `read only`, if the file system is mounted read-only,
/// - `not writable: …`, if this user cannot write to the folder or file,
/// - `cannot read the file system: …`, such as for a missing path.
///
/// It is `UNKNOWN` if the file system does not tell its size, as that of `/proc`.
///
/// The details are `path`, `free` and `total` in bytes, `freeInodes` and `totalInodes` if it counts them, and
/// `threshold`.
///
/// Each run is on a thread of its own, since a dead network mount blocks it. By default the check is not
/// [critical](Check::critical), because other instances of the service may have space. A threshold that is not valid is an
/// error of `build()`.
#[track_caller]
pub fn check(
    name: impl Into<String>,
    path: impl Into<PathBuf>,
    threshold: impl AsRef<str>,
) -> Disk {
    let (limits, complaint) = match Limits::new(path.into(), threshold.as_ref()) {
        Ok(limits) => (limits, None),
        // The check never runs.
        Err(why) => {
            (Limits { path: PathBuf::new(), down: Threshold::default(), warn: None }, Some(why))
        }
    };
    let limits = Arc::new(Mutex::new(limits));
    let own = Arc::clone(&limits);
    let check = Check::blocking(name, move || {
        let limits = own.lock().clone();
        CurrentRun::step(STEP);
        limits.judge(Space::of(&limits.path))
    });
    Disk { check: complain(check.critical(false), complaint), limits }
}

/// Looks at a file system once, for a check that does more than that.
///
/// The deadline is that of the check. Outside of a check, it is 4 s. A threshold that is not valid is `DOWN`.
pub async fn ping(path: impl Into<PathBuf>, threshold: impl AsRef<str>) -> Health {
    static FLIGHTS: Flights<PathBuf, Result<Space, String>> = Flights::new();

    let limits = match Limits::new(path.into(), threshold.as_ref()) {
        Ok(limits) => limits,
        Err(why) => return Health::down(why),
    };
    within_deadline(async {
        CurrentRun::step(STEP);
        let path = limits.path.clone();
        let space = FLIGHTS.join(path.clone(), move || Space::of(&path)).await;
        limits.judge(space.and_then(|space| space))
    })
    .await
}

const STEP: &str = "waiting for the file system";

impl Disk {
    /// A second, higher threshold, below which the check is `DEGRADED`. Defaults to none.
    pub fn warn_below(mut self, threshold: impl AsRef<str>) -> Self {
        let complaint = match Threshold::parse(threshold.as_ref()) {
            Ok(warn) => {
                let mut limits = self.limits.lock();
                let complaint = warn.is_at_most(&limits.down).then(|| {
                    format!(
                        "`warn_below` is {warn}, but `DOWN` begins at {}: make it larger",
                        limits.down
                    )
                });
                limits.warn = Some(warn);
                complaint
            }
            Err(why) => Some(why),
        };
        self.check = complain(self.check, complaint);
        self
    }
}

impl Limits {
    fn new(path: PathBuf, threshold: &str) -> Result<Self, String> {
        if path.as_os_str().is_empty() {
            return Err("the path is empty: write it like \"/data\"".into());
        }
        Ok(Limits { path, down: Threshold::parse(threshold)?, warn: None })
    }

    fn judge(&self, space: Result<Space, String>) -> Health {
        let space = match space {
            Ok(space) => space,
            Err(why) => return Health::down(why).detail("path", shown(&self.path)),
        };
        let health = if let Some(why) = &space.read_only {
            Health::down(why)
        } else if space.total == 0 {
            Health::unknown("the file system does not tell its size")
        } else if space.total_inodes > 0 && space.free_inodes == 0 {
            Health::down("no inodes left")
        } else if let Some(why) = space.lacks(&self.down) {
            Health::down(why)
        } else if let Some(why) = self.warn.as_ref().and_then(|warn| space.lacks(warn)) {
            Health::degraded(why)
        } else {
            Health::up()
        };
        let health = health
            .detail("path", shown(&self.path))
            .detail("free", space.free)
            .detail("total", space.total)
            .detail("threshold", self.down.to_string());
        if space.total_inodes == 0 {
            return health;
        }
        health.detail("freeInodes", space.free_inodes).detail("totalInodes", space.total_inodes)
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests;
