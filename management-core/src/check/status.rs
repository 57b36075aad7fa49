use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

/// How a check, a group of checks or the whole service is.
///
/// Ordered from best to worst, so that the worst of many is their maximum. The names are Spring Boot
/// Actuator's, with [`Degraded`](Status::Degraded) added.
///
/// | Status | HTTP status code |
/// |---|---|
/// | `UP`, `DEGRADED` | 200 |
/// | `UNKNOWN`, `OUT_OF_SERVICE`, `DOWN` | 503 |
///
/// [`Builder::status_code`](crate::Builder::status_code) changes the code of a status. Liveness is 503
/// for `DOWN` alone, since not to know must not restart a pod.
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
    /// Works, but not as well as it should; still wants requests.
    Degraded,
    /// Nobody can tell: there is no result, or it is too old.
    Unknown,
    /// Does not want requests now, without being broken.
    OutOfService,
    /// Does not work.
    Down,
}

impl Status {
    /// The name as it stands in a body: `UP`, `DEGRADED`, `UNKNOWN`, `OUT_OF_SERVICE` or `DOWN`.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Up => "UP",
            Status::Degraded => "DEGRADED",
            Status::Unknown => "UNKNOWN",
            Status::OutOfService => "OUT_OF_SERVICE",
            Status::Down => "DOWN",
        }
    }

    /// Whether this is `UP` or `DEGRADED`: what a startup check waits for, and no failure.
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
