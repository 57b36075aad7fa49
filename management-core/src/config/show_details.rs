use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use http::request::Parts;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

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
