//! How answers show results: at which paths, with which details, and with which HTTP status codes.

use std::collections::BTreeSet;

use http::StatusCode;

use crate::check::status::Status;
use crate::config::dialect::Dialects;
use crate::config::route::Route;
use crate::config::show_details::ShowDetails;

/// The settings of the endpoints.
pub(crate) struct Exposure {
    pub(crate) prefix: String,
    pub(crate) show_details: ShowDetails,
    pub(crate) codes: Codes,
    pub(crate) switched_off: BTreeSet<Route>,
    pub(crate) kubernetes_paths: bool,
    pub(crate) dialects: Dialects,
    /// Without a slash at its end.
    #[cfg(feature = "actuator")]
    pub(crate) public_url: Option<String>,
    #[cfg(feature = "actuator")]
    pub(crate) trust_forwarded: bool,
}

/// The statuses that are 200 and those that are 503.
#[derive(Clone, Copy)]
pub(crate) struct Codes {
    unavailable: [bool; 5],
}

impl Codes {
    pub(crate) fn new() -> Self {
        Codes { unavailable: [false, false, true, true, true] }
    }

    /// Sets the code of one status, unless it is neither 200 nor 503.
    pub(crate) fn set(&mut self, status: Status, code: u16) -> Result<(), String> {
        self.unavailable[status as usize] = match code {
            200 => false,
            503 => true,
            _ => {
                return Err(format!(
                    "answers {status} with {code}: use 200 or 503, the only codes that all probes understand"
                ));
            }
        };
        Ok(())
    }

    /// The codes of liveness, which must not restart a pod unless it is definitely broken.
    pub(crate) fn of_liveness(self) -> Self {
        let down = Status::Down as usize;
        let mut unavailable = [false; 5];
        unavailable[down] = self.unavailable[down];
        Codes { unavailable }
    }

    pub(crate) fn of(&self, status: Status) -> StatusCode {
        if self.unavailable[status as usize] {
            StatusCode::SERVICE_UNAVAILABLE
        } else {
            StatusCode::OK
        }
    }
}

/// An HTTP status code for [`Builder::status_code`](crate::Builder::status_code) and
/// [`Group::status_code`](crate::Group::status_code): a [`StatusCode`], or a number such as `503`.
///
/// This trait is sealed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a status code",
    label = "use `200`, `503` or a `StatusCode`",
    note = "`StatusCode` is the one of the crate `http`, which axum re-exports"
)]
pub trait IntoStatusCode: sealed::Sealed {}

impl IntoStatusCode for StatusCode {}

impl IntoStatusCode for u16 {}

mod sealed {
    use http::StatusCode;

    #[expect(unnameable_types, reason = "this seals `IntoStatusCode`")]
    pub trait Sealed {
        fn code(self) -> u16;
    }

    impl Sealed for StatusCode {
        fn code(self) -> u16 {
            self.as_u16()
        }
    }

    impl Sealed for u16 {
        fn code(self) -> u16 {
            self
        }
    }
}
