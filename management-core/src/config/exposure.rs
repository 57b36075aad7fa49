//! What of the results is shown, where, and with which code.

use std::collections::BTreeSet;

use http::StatusCode;

use crate::check::status::Status;
use crate::config::route::Route;
use crate::config::show_details::ShowDetails;

/// How the endpoints show what they know.
pub(crate) struct Exposure {
    pub(crate) prefix: String,
    pub(crate) show_details: ShowDetails,
    pub(crate) codes: Codes,
    pub(crate) switched_off: BTreeSet<Route>,
    pub(crate) kubernetes_paths: bool,
}

/// Which statuses are 200 and which 503.
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
                    "`status_codes` answers {status} with {code}, and probes understand 200 and 503 \
                     alone: choose one of them"
                ));
            }
        };
        Ok(())
    }

    /// Those of liveness: what is not definitely broken is not to be restarted.
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
