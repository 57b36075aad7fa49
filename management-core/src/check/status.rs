use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

/// The status of a check, of a group of checks or of the whole service.
///
/// The order is from best to worst, so that the worst of several statuses is their maximum. The names are those of Spring
/// Boot Actuator, and [`Degraded`](Status::Degraded).
///
/// | Status | HTTP status code |
/// |---|---|
/// | `UP`, `DEGRADED` | 200 |
/// | `UNKNOWN`, `OUT_OF_SERVICE`, `DOWN` | 503 |
///
/// [`Builder::status_code`](crate::Builder::status_code) changes the code of a status. Liveness is 503 only for `DOWN`,
/// because an unknown status must not restart a pod.
///
/// ```
/// use management_core::Status;
///
/// assert!(Status::Up < Status::Down);
/// assert_eq!(Status::OutOfService.to_string(), "OUT_OF_SERVICE");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum Status {
    /// Works as it should.
    Up,
    /// Works, but not as well as it should. Still accepts requests.
    Degraded,
    /// There is no result, or it is too old.
    Unknown,
    /// Does not accept requests at present, but is not broken.
    OutOfService,
    /// Does not work.
    Down,
}

impl Status {
    /// From best to worst.
    pub(crate) const ALL: [Status; 5] =
        [Status::Up, Status::Degraded, Status::Unknown, Status::OutOfService, Status::Down];

    /// The name in bodies: `UP`, `DEGRADED`, `UNKNOWN`, `OUT_OF_SERVICE` or `DOWN`.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Up => "UP",
            Status::Degraded => "DEGRADED",
            Status::Unknown => "UNKNOWN",
            Status::OutOfService => "OUT_OF_SERVICE",
            Status::Down => "DOWN",
        }
    }

    /// Whether this is `UP` or `DEGRADED`, which is a success and not a failure.
    pub(crate) fn is_success(self) -> bool {
        self <= Status::Degraded
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
