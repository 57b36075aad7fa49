use std::time::{Duration, SystemTime, UNIX_EPOCH};

use management_core::Health;
use rustls::pki_types::CertificateDer;
use x509_parser::prelude::{FromDer, X509Certificate};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// The end of the year 9999, after which RFC 3339 has no times.
const LAST: i64 = 253_402_300_799;

/// When a whole chain is valid, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Validity {
    begin: i64,
    end: i64,
}

impl Validity {
    pub(super) fn of(chain: &[CertificateDer<'_>]) -> Result<Self, String> {
        let mut whole = Validity { begin: i64::MIN, end: i64::MAX };
        for certificate in chain {
            let (_, certificate) = X509Certificate::from_der(certificate)
                .map_err(|_| "a certificate cannot be read".to_owned())?;
            let validity = certificate.validity();
            whole.begin = whole.begin.max(validity.not_before.timestamp());
            whole.end = whole.end.min(validity.not_after.timestamp());
        }
        Ok(whole)
    }

    pub(super) fn judge(self, now: SystemTime, warn_before: Duration) -> Health {
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs().cast_signed();
        let left = self.end.saturating_sub(now);
        let warns = left < i64::try_from(warn_before.as_secs()).unwrap_or(i64::MAX);
        let health = if left < 0 {
            Health::down(format_args!("expired {} ago", length(left.unsigned_abs())))
        } else if now < self.begin {
            Health::down(format_args!("not valid before {}", time(self.begin)))
        } else if warns {
            Health::degraded(format_args!("expires in {}", length(left.unsigned_abs())))
        } else {
            Health::up()
        };
        health.detail("expiresAt", time(self.end)).detail("days", left / DAY.cast_signed())
    }
}

/// As RFC 3339 has it. humantime panics on times that RFC 3339 does not have, and on those before 1970.
fn time(seconds: i64) -> String {
    let seconds = Duration::from_secs(seconds.clamp(0, LAST).unsigned_abs());
    humantime::format_rfc3339_seconds(UNIX_EPOCH + seconds).to_string()
}

/// Whole days, or hours or minutes if it is less than one.
fn length(seconds: u64) -> String {
    let (count, unit) = match seconds {
        DAY.. => (seconds / DAY, "day"),
        HOUR.. => (seconds / HOUR, "hour"),
        _ => (seconds / MINUTE, "minute"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

#[cfg(test)]
mod tests {
    use management_core::Status;

    use super::*;

    fn at(now: u64, validity: Validity) -> Health {
        validity.judge(UNIX_EPOCH + Duration::from_secs(now), Duration::from_secs(14 * DAY))
    }

    #[test]
    fn the_dates_decide() {
        let year = Validity { begin: 0, end: 365 * DAY.cast_signed() };
        let whole = year.end.unsigned_abs();
        for (now, status, why) in [
            (0, Status::Up, None),
            (whole - 14 * DAY, Status::Up, None),
            (whole - 14 * DAY + 1, Status::Degraded, Some("expires in 13 days")),
            (whole - DAY, Status::Degraded, Some("expires in 1 day")),
            (whole - DAY + 1, Status::Degraded, Some("expires in 23 hours")),
            (whole, Status::Degraded, Some("expires in 0 minutes")),
            (whole + 1, Status::Down, Some("expired 0 minutes ago")),
            (whole + 3 * DAY, Status::Down, Some("expired 3 days ago")),
        ] {
            let health = at(now, year);
            assert_eq!((health.status(), health.reason()), (status, why), "{now}");
            assert_eq!(health.details()["expiresAt"], "1971-01-01T00:00:00Z");
        }
        assert_eq!(at(0, year).details()["days"], 365);
        assert_eq!(at(whole + 3 * DAY, year).details()["days"], -3);
        let later = Validity { begin: DAY.cast_signed(), ..year };
        let health = at(0, later);
        assert_eq!(health.status(), Status::Down);
        assert_eq!(health.reason(), Some("not valid before 1970-01-02T00:00:00Z"));
    }

    #[test]
    fn times_that_rfc_3339_does_not_have() {
        for (end, shown) in [
            (i64::MIN, "1970-01-01T00:00:00Z"),
            (-1, "1970-01-01T00:00:00Z"),
            (i64::MAX, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(at(0, Validity { begin: i64::MIN, end }).details()["expiresAt"], shown);
        }
        let always = Validity { begin: 0, end: LAST }.judge(UNIX_EPOCH, Duration::MAX);
        assert_eq!(always.status(), Status::Degraded);
    }

    #[test]
    fn what_is_no_certificate() {
        let found = Validity::of(&[CertificateDer::from(&b"garbage"[..])]);
        assert_eq!(found, Err("a certificate cannot be read".into()));
    }
}
