//! The memory limit of the container.
//!
//! ```no_run
//! use management_core::{Health, Management, health_check};
//! use management_indicators as indicators;
//!
//! #[health_check("headroom")]
//! async fn headroom() -> Health {
//!     indicators::memory::ping(0.8).await
//! }
//!
//! let management = Management::builder()
//!     .check(indicators::memory::check("memory", 0.9))
//!     .build()?;
//! # Ok::<_, management_core::Error>(())
//! ```

mod cgroup;

use std::path::Path;

use management_core::__private::complain;
use management_core::{Check, CurrentRun, Health};

use self::cgroup::Usage;
use crate::flights::Flights;
use crate::time::within_deadline;

/// A check that is `DEGRADED` if more than a share of the memory limit is used, such as 0.9.
///
/// The limit is that of the cgroup of this process or of one of those around it, whichever is smallest. The working set of
/// that cgroup counts as used, as kubelet computes it: its memory without inactive pages of files, which the kernel drops
/// before it kills a process. The check reads cgroups of version 1 and 2.
///
/// The reason is `92.5% of the memory limit is used`. The check is never `DOWN`, since a restart at the limit loses
/// requests that would have succeeded. Without a limit, or without cgroups, it is `UP`. If there is a limit, but the usage
/// cannot be read, it is `UNKNOWN`.
///
/// The details are `workingSet` and `limit` in bytes, and `used`, the share of the limit. They are missing if they are not
/// known.
///
/// A share that is not above 0 and at most 1 is an error of `build()`.
#[track_caller]
pub fn check(name: impl Into<String>, share: f64) -> Check {
    let check = Check::blocking(name, move || {
        CurrentRun::step(STEP);
        judge(Usage::read(Path::new("/")), share)
    });
    complain(check, complaint(share))
}

/// Looks at the memory once, for a check that does more than that.
///
/// The deadline is that of the check. Outside of a check, it is 4 s. A share that is not valid is `DOWN`.
pub async fn ping(share: f64) -> Health {
    static FLIGHTS: Flights<(), Usage> = Flights::new();

    if let Some(why) = complaint(share) {
        return Health::down(why);
    }
    within_deadline(async {
        CurrentRun::step(STEP);
        match FLIGHTS.join((), || Usage::read(Path::new("/"))).await {
            Ok(usage) => judge(usage, share),
            Err(why) => Health::unknown(why),
        }
    })
    .await
}

const STEP: &str = "reading the memory usage";

fn complaint(share: f64) -> Option<String> {
    let is_valid = 0.0 < share && share <= 1.0;
    (!is_valid).then(|| {
        format!("the share {share} is not valid: use one above 0 and at most 1, such as 0.9")
    })
}

fn judge(usage: Usage, share: f64) -> Health {
    let Usage { working_set, limit } = usage;
    let mut health = match (limit, working_set) {
        (Some(limit), Some(working_set)) => {
            let used = ratio(working_set, limit);
            let health = if share < used {
                // Rounded up, so that what is above a share does not look like it.
                let percent = (used * 1000.0).ceil() / 10.0;
                Health::degraded(format_args!("{percent:.1}% of the memory limit is used"))
            } else {
                Health::up()
            };
            health.detail("used", (used * 1000.0).round() / 1000.0)
        }
        (Some(_), None) => Health::unknown("cannot read the memory usage"),
        (None, _) => Health::up(),
    };
    if let Some(working_set) = working_set {
        health = health.detail("workingSet", working_set);
    }
    if let Some(limit) = limit {
        health = health.detail("limit", limit);
    }
    health
}

#[expect(clippy::cast_precision_loss, reason = "a share needs no more")]
fn ratio(used: u64, limit: u64) -> f64 {
    used as f64 / limit as f64
}

#[cfg(test)]
mod tests {
    use management_core::{Management, Status};

    use super::*;

    #[test]
    fn the_share_decides() {
        let at = |working_set, limit| judge(Usage { working_set, limit }, 0.9);
        let health = at(Some(900), Some(1_000));
        assert_eq!(health.status(), Status::Up);
        assert_eq!(health.details()["used"], 0.9);
        let health = at(Some(9_001), Some(10_000));
        assert_eq!(health.status(), Status::Degraded);
        assert_eq!(health.reason(), Some("90.1% of the memory limit is used"));
        assert_eq!(health.details()["workingSet"], 9_001);
        assert_eq!(health.details()["limit"], 10_000);
        let health = at(Some(900), None);
        assert_eq!(health.status(), Status::Up);
        assert!(!health.details().contains_key("limit"), "{health:?}");
        assert_eq!(at(None, None), Health::up());
        assert_eq!(at(None, Some(1)).status(), Status::Unknown);
    }

    #[tokio::test]
    async fn a_share_that_is_not_valid_is_an_error_of_build() {
        for share in [0.0, -0.5, 1.5, f64::NAN, f64::INFINITY] {
            let why = format!("the share {share} is not valid");
            let error = Management::builder().check(check("memory", share)).build().unwrap_err();
            assert!(error.to_string().contains(&why), "{error}");
            assert!(ping(share).await.reason().unwrap().contains(&why));
        }
    }

    #[tokio::test]
    async fn this_process() {
        let management = Management::builder().check(check("memory", 1.0)).build().unwrap();
        let component = management.check("memory").await.unwrap();
        assert_eq!(component.status(), Status::Up, "{component:?}");
        assert_eq!(ping(1.0).await.status(), Status::Up);
    }
}
