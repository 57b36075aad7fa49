//! The settings of a group of checks or of a probe.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::check::origin::Origin;
use crate::check::status::Status;
use crate::config::dialect::Dialect;
use crate::config::exposure::IntoStatusCode;
use crate::config::show_details::ShowDetails;

/// The checks of a group, and the settings of its answer.
///
/// Pass it to [`Builder::group`](crate::Builder::group), or configure it under `groups` of [`Config`](crate::Config), whose
/// keys have the names of the setters.
///
/// ```
/// use management_core::{Check, Management, ShowDetails, Status};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), management_core::Error> {
/// let management = Management::builder()
///     .check(Check::new("db", async || Status::Degraded))
///     .check(Check::new("mail", async || false).groups(["payments"]))
///     .group("payments", |payments| {
///         payments
///             .include("db")
///             .optional("queue")
///             .exclude("mail")
///             .show_details(ShowDetails::always())
///             .status_code(Status::Degraded, 503)
///     })
///     .build()?;
///
/// let payments = management.group("payments").await.expect("a group");
/// assert_eq!(payments.status(), Status::Degraded);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[must_use = "a group does nothing until it is given to a builder"]
pub struct Group {
    pub(crate) include: BTreeSet<String>,
    pub(crate) optional: BTreeSet<String>,
    pub(crate) exclude: BTreeSet<String>,
    pub(crate) show_details: Option<ShowDetails>,
    pub(crate) status_codes: BTreeMap<Status, u16>,
    pub(crate) dialects: Option<BTreeSet<Dialect>>,
    /// The place in the program. `None` for a group from configuration.
    #[serde(skip)]
    pub(crate) origin: Option<Origin>,
}

impl Group {
    /// Adds a check, a service dependency, or `availability`, which is the state that the service reports for itself. An
    /// unknown name is a mistake of [`build`](crate::Builder::build).
    ///
    /// The probes `readiness` and `liveness` accept further checks. `startup` only has startup checks.
    pub fn include(mut self, name: impl Into<String>) -> Self {
        self.include.insert(name.into());
        self
    }

    /// Like [`include`](Self::include), but the name may be unknown. The check joins the group when it is registered.
    pub fn optional(mut self, name: impl Into<String>) -> Self {
        self.optional.insert(name.into());
        self
    }

    /// Removes a check, wherever it was added. An unknown name is a mistake of [`build`](crate::Builder::build).
    pub fn exclude(mut self, name: impl Into<String>) -> Self {
        self.exclude.insert(name.into());
        self
    }

    /// Which requests for this group are shown details and error texts. Defaults to
    /// [`Builder::show_details`](crate::Builder::show_details).
    pub fn show_details(mut self, show_details: ShowDetails) -> Self {
        self.show_details = Some(show_details);
        self
    }

    /// The HTTP status code of this group's answers with this status: 200 or 503, as a number or as a `StatusCode`. Any
    /// other code is a mistake of [`build`](crate::Builder::build). Defaults to
    /// [`Builder::status_code`](crate::Builder::status_code), and for liveness to 200 for all statuses but `DOWN`.
    pub fn status_code(mut self, status: Status, code: impl IntoStatusCode) -> Self {
        self.status_codes.insert(status, code.code());
        self
    }

    /// Answers this group so that a certain client understands more than 200 and 503. Further calls add further dialects.
    /// Defaults to those of the builder, which a call replaces. The probes liveness and startup
    /// have no dialect, which is a mistake of [`build`](crate::Builder::build).
    pub fn dialect(mut self, dialect: Dialect) -> Self {
        self.dialects.get_or_insert_default().insert(dialect);
        self
    }

    /// Both groups together. Single values of this group take precedence.
    pub(crate) fn or(mut self, fallback: Group) -> Group {
        self.include.extend(fallback.include);
        self.optional.extend(fallback.optional);
        self.exclude.extend(fallback.exclude);
        for (status, code) in fallback.status_codes {
            self.status_codes.entry(status).or_insert(code);
        }
        self.show_details = self.show_details.or(fallback.show_details);
        self.dialects = self.dialects.or(fallback.dialects);
        self.origin = self.origin.or(fallback.origin);
        self
    }

    /// Whether the group includes a check of this name, which may not exist.
    pub(crate) fn names(&self, name: &str) -> bool {
        self.include.contains(name) || self.optional.contains(name)
    }
}
