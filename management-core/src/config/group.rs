//! What is set for a group of checks, or for a probe.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::check::origin::Origin;
use crate::check::status::Status;
use crate::config::show_details::ShowDetails;

/// Which checks a group has, and what is different for its answer.
///
/// It is given to [`Builder::group`](crate::Builder::group), or under `groups` to
/// [`Config`](crate::Config), where the keys have the names of the setters.
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
/// let payments = management.group("payments").await.expect("there is such a group");
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
    /// Where the program gave it; nothing for one from configuration.
    #[serde(skip)]
    pub(crate) origin: Option<Origin>,
}

impl Group {
    /// Adds a check or a service dependency, or `availability`, which is what the service says of
    /// itself. One that is not there is a mistake of [`build`](crate::Builder::build).
    ///
    /// Of the probes, `readiness` and `liveness` take more checks; `startup` has those alone that are made for
    /// it.
    pub fn include(mut self, name: impl Into<String>) -> Self {
        self.include.insert(name.into());
        self
    }

    /// As [`include`](Self::include), for one that need not be there. It joins when it is registered.
    pub fn optional(mut self, name: impl Into<String>) -> Self {
        self.optional.insert(name.into());
        self
    }

    /// Takes a check away, whoever has added it. One that is not there is a mistake of
    /// [`build`](crate::Builder::build).
    pub fn exclude(mut self, name: impl Into<String>) -> Self {
        self.exclude.insert(name.into());
        self
    }

    /// Who sees details and error texts here. Defaults to what
    /// [`Builder::show_details`](crate::Builder::show_details) says.
    pub fn show_details(mut self, show_details: ShowDetails) -> Self {
        self.show_details = Some(show_details);
        self
    }

    /// Answers a status with 200 or with 503 here. Defaults to what
    /// [`Builder::status_code`](crate::Builder::status_code) says; for liveness, to 200 for all but
    /// `DOWN`.
    pub fn status_code(mut self, status: Status, code: u16) -> Self {
        self.status_codes.insert(status, code);
        self
    }

    /// What is set here and there. Of single values, those that are set here count.
    pub(crate) fn or(mut self, fallback: Group) -> Group {
        self.include.extend(fallback.include);
        self.optional.extend(fallback.optional);
        self.exclude.extend(fallback.exclude);
        for (status, code) in fallback.status_codes {
            self.status_codes.entry(status).or_insert(code);
        }
        self.show_details = self.show_details.or(fallback.show_details);
        self.origin = self.origin.or(fallback.origin);
        self
    }

    /// Whether it names a check as a member, that is there or is not.
    pub(crate) fn names(&self, name: &str) -> bool {
        self.include.contains(name) || self.optional.contains(name)
    }
}
