//! What of the results is shown, where, and with which code.

use std::collections::BTreeSet;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use http::StatusCode;
use http::request::Parts;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::check::status::Status;
use crate::config::Config;
use crate::config::route::Route;
use crate::error::Mistake;
use crate::line::line;

/// Who sees details and error texts.
///
/// Nobody, unless told otherwise: error texts name hosts, users and tables.
#[derive(Clone, Default)]
pub struct ShowDetails(Who);

#[derive(Clone, Default)]
enum Who {
    #[default]
    Nobody,
    Authorized(Arc<dyn Fn(&Parts) -> bool + Send + Sync>),
    Everybody,
}

impl ShowDetails {
    /// Nobody sees them.
    pub fn never() -> Self {
        ShowDetails(Who::Nobody)
    }

    /// They are shown in answer to the requests that the closure lets pass.
    ///
    /// ```
    /// use management_core::{Management, ShowDetails};
    ///
    /// let management = Management::builder()
    ///     .show_details(ShowDetails::when_authorized(|request| {
    ///         request.headers.get("x-internal").is_some()
    ///     }))
    ///     .build()?;
    /// # Ok::<_, management_core::Error>(())
    /// ```
    pub fn when_authorized(rule: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        ShowDetails(Who::Authorized(Arc::new(rule)))
    }

    /// Everybody who reaches the endpoints sees them.
    pub fn always() -> Self {
        ShowDetails(Who::Everybody)
    }

    pub(crate) fn to(&self, request: &Parts) -> bool {
        match &self.0 {
            Who::Nobody => false,
            // A prober must get its answer, whatever the user's code does.
            Who::Authorized(rule) => catch_unwind(AssertUnwindSafe(|| rule(request)))
                .unwrap_or_else(|_| {
                    line!(WARN, "the closure of `show_details` panicked: details are not shown");
                    false
                }),
            Who::Everybody => true,
        }
    }
}

impl fmt::Debug for ShowDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Who::Nobody => "never",
            Who::Authorized(_) => "when_authorized",
            Who::Everybody => "always",
        })
    }
}

/// `never` or `always`; a rule can be given by the program alone.
impl<'de> Deserialize<'de> for ShowDetails {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match &*String::deserialize(deserializer)? {
            "never" => Ok(ShowDetails::never()),
            "always" => Ok(ShowDetails::always()),
            other => Err(D::Error::unknown_variant(other, &["never", "always"])),
        }
    }
}

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
