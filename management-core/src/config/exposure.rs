//! What of the results is shown, where, and with which code.

use std::collections::BTreeSet;

use http::StatusCode;

use crate::check::status::Status;
use crate::config::Config;
use crate::config::route::Route;
use crate::config::show_details::ShowDetails;
use crate::error::Mistake;

/// How the endpoints show what they know.
pub(crate) struct Exposure {
    pub(crate) prefix: String,
    pub(crate) show_details: ShowDetails,
    pub(crate) codes: Codes,
    pub(crate) switched_off: BTreeSet<Route>,
    pub(crate) kubernetes_paths: bool,
}

impl Exposure {
    pub(crate) fn new(prefix: String, config: &Config, mistakes: &mut Vec<Mistake>) -> Self {
        let mut codes = Codes::new();
        for (&status, &code) in &config.status_codes {
            mistakes.extend(codes.set(status, code).map_err(Mistake::invalid).err());
        }
        let is_off = |(route, is_there): (&Route, &bool)| (!is_there).then_some(*route);
        Exposure {
            prefix,
            show_details: config.show_details.clone().unwrap_or_default(),
            codes,
            switched_off: config.endpoints.iter().filter_map(is_off).collect(),
            kubernetes_paths: config.kubernetes_paths.unwrap_or(false),
        }
    }
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
