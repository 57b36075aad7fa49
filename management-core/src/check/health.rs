use std::error::Error;
use std::fmt;

use serde_json::Map;

use crate::check::beats::Beats;
use crate::check::status::Status;
use crate::run::{Failure, Value};
use crate::text;
use crate::text::json;
use crate::text::json::Json;
use crate::text::reason::{Convertible, IntoReason, Local, LocalError};
use crate::text::secret::Names;

/// The result of one run of a check: a [`Status`], a reason and details.
///
/// A check that is only up or down can return `bool`, `()` or a `Result` instead; see [`IntoHealth`].
///
/// Only requests that [`Builder::show_details`](crate::Builder::show_details) allows are shown the reason and the
/// details. The reason is one line of at most 1 KiB. The log has it whenever the status or the reason changes.
///
/// Secrets in the reason and in the texts of details are replaced by `***`. Secrets are the user information of URLs,
/// and the values that follow names such as `password`, `api_key` or `Authorization` in any usual notation.
/// [`Builder::mask`](crate::Builder::mask) adds names. A detail whose key is an added name is masked as well.
///
/// ```
/// use management_core::{Health, Status};
///
/// let health = Health::degraded("replica 2 lags").detail("lagSeconds", 42);
/// assert_eq!(health.status(), Status::Degraded);
/// assert_eq!(health.reason(), Some("replica 2 lags"));
/// ```
#[derive(Clone, PartialEq)]
pub struct Health {
    status: Status,
    reason: Option<String>,
    details: Map<String, serde_json::Value>,
    /// The details of a heartbeat, which has no other ones.
    beats: Option<Beats>,
    /// The reason for the log, if it differs from the one that is shown.
    for_log: Option<String>,
    /// The components of a service dependency.
    components: Option<Components>,
}

/// The components of a service dependency, already as JSON.
#[derive(Clone, Debug)]
pub(crate) struct Components {
    /// Their statuses.
    pub(crate) plain: Json,
    /// Their statuses and details.
    pub(crate) detailed: Json,
}

impl PartialEq for Components {
    fn eq(&self, other: &Self) -> bool {
        self.detailed.get() == other.detailed.get()
    }
}

impl Health {
    /// Makes a health with this status and without a reason.
    pub fn new(status: Status) -> Self {
        Health {
            status,
            reason: None,
            details: Map::new(),
            beats: None,
            for_log: None,
            components: None,
        }
    }

    /// `UP`: the checked part works.
    pub fn up() -> Self {
        Health::new(Status::Up)
    }

    /// `DEGRADED`: it works, but not as well as it should.
    pub fn degraded(reason: impl fmt::Display) -> Self {
        Health::new(Status::Degraded).because(reason)
    }

    /// `UNKNOWN`: the check cannot determine the status.
    pub fn unknown(reason: impl fmt::Display) -> Self {
        Health::new(Status::Unknown).because(reason)
    }

    /// `OUT_OF_SERVICE`: it does not accept requests at present.
    pub fn out_of_service(reason: impl fmt::Display) -> Self {
        Health::new(Status::OutOfService).because(reason)
    }

    /// `DOWN`: it does not work.
    pub fn down(reason: impl fmt::Display) -> Self {
        Health::new(Status::Down).because(reason)
    }

    /// `DOWN`, for a reason that is already tidy.
    fn failed(reason: String) -> Self {
        Health {
            reason: Some(reason).filter(|reason| !reason.is_empty()),
            ..Health::new(Status::Down)
        }
    }

    fn because(mut self, reason: impl fmt::Display) -> Self {
        self.reason = Some(text::tidy(reason)).filter(|reason| !reason.is_empty());
        self
    }

    /// Adds a detail, such as a number of connections. A later detail replaces an earlier one with the same key.
    ///
    /// Answers also show the reason under `details`. Its key is `error`, or `reason` if the check has a detail `error`,
    /// or `reason2` and so on if the check has both.
    #[must_use]
    pub fn detail(mut self, key: impl Into<String>, value: impl Into<serde_json::Value>) -> Self {
        if let Some(beats) = self.beats.take() {
            self.details = beats.details().clone();
        }
        self.details.insert(key.into(), value.into());
        self
    }

    /// Logs another reason than the one that is shown.
    pub(crate) fn logged_as(mut self, reason: String) -> Self {
        self.for_log = Some(reason);
        self
    }

    /// Has the details of a heartbeat.
    pub(super) fn with_beats(mut self, beats: Beats) -> Self {
        self.beats = Some(beats);
        self
    }

    /// The details of a heartbeat, if it is one.
    #[cfg(feature = "actuator")]
    pub(crate) fn beats(&self) -> Option<&Beats> {
        self.beats.as_ref()
    }

    #[cfg(feature = "dependencies")]
    pub(crate) fn with_components(mut self, components: Option<Components>) -> Self {
        self.components = components;
        self
    }

    pub(crate) fn components(&self) -> Option<&Components> {
        self.components.as_ref()
    }

    /// The status.
    pub fn status(&self) -> Status {
        self.status
    }

    /// The reason on one line, if the check gave one.
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// The details, sorted by key.
    pub fn details(&self) -> &Map<String, serde_json::Value> {
        self.beats.as_ref().map_or(&self.details, Beats::details)
    }

    /// The reason for the log.
    pub(crate) fn logged_reason(&self) -> Option<&str> {
        self.for_log.as_deref().or(self.reason())
    }
}

impl Value for Health {
    fn from_failure(failure: Failure) -> Self {
        let mut health = Health::down(&failure);
        health.for_log = failure.confidential();
        health
    }

    fn is_success(&self) -> bool {
        self.status.is_success()
    }

    fn status_text(&self) -> &'static str {
        self.status.as_str()
    }

    fn soften(&mut self) {
        self.status = Status::Degraded;
    }

    fn is_same(&self, other: &Self) -> bool {
        self == other
    }

    fn mask(&mut self, names: &Names) {
        if !self.details.is_empty() {
            json::mask_details(&mut self.details, names);
        }
        if names.are_usual() {
            return;
        }
        for reason in [&mut self.reason, &mut self.for_log].into_iter().flatten() {
            text::mask_added(names, reason);
        }
        if let Some(Components { plain, detailed }) = &mut self.components {
            for components in [plain, detailed] {
                json::mask_components(components, names);
            }
        }
    }
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Health")
            .field("status", &self.status)
            .field("reason", &self.reason)
            .field("details", self.details())
            .finish_non_exhaustive()
    }
}

/// The types that a check can return.
///
/// | Type | Health |
/// |---|---|
/// | `()` | `UP` |
/// | `bool` | `true` is `UP`, `false` is `DOWN` |
/// | [`Status`] | that status |
/// | [`Health`] | as it is |
/// | `Result<T, E>` | `Ok` is the health of `T`; `Err` is `DOWN`, and the reason is the error and its causes |
///
/// Implement this trait for types of your own.
///
/// # Errors of a `Result`
///
/// `E` is any type that the standard library converts into a `Box<dyn Error + Send + Sync>`: a [`std::error::Error`] that
/// is `Send`, `Sync` and `'static`, that box itself, an `anyhow::Error` and its like, a `String`, a `&'static str`. A check
/// can also return a `Result` with a `Box<dyn Error>`. Convert another type that is `Display` to text:
/// `.map_err(|error| error.to_string())`.
///
/// The reason is the error, formatted with `{:#}`, followed by each [`source`](std::error::Error::source) that the text
/// does not contain yet.
///
/// ```
/// use std::{error::Error, fmt};
/// use management_core::IntoHealth;
///
/// #[derive(Debug)]
/// struct Unreachable(std::io::Error);
///
/// impl fmt::Display for Unreachable {
///     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
///         f.write_str("cannot reach the queue")
///     }
/// }
///
/// impl Error for Unreachable {
///     fn source(&self) -> Option<&(dyn Error + 'static)> {
///         Some(&self.0)
///     }
/// }
///
/// let health = Err::<(), _>(Unreachable(std::io::Error::other("certificate expired"))).into_health();
/// assert_eq!(health.reason(), Some("cannot reach the queue: certificate expired"));
/// ```
#[diagnostic::on_unimplemented(
    message = "a check cannot return `{Self}`; return `bool`, `()`, `Status`, `Health`, or a `Result` of one of them",
    label = "not an outcome of a check",
    note = "a type of your own can implement `IntoHealth`"
)]
pub trait IntoHealth {
    /// Converts the outcome into a [`Health`].
    fn into_health(self) -> Health;
}

impl IntoHealth for Health {
    fn into_health(self) -> Health {
        self
    }
}

impl IntoHealth for Status {
    fn into_health(self) -> Health {
        Health::new(self)
    }
}

impl IntoHealth for () {
    fn into_health(self) -> Health {
        Health::up()
    }
}

impl IntoHealth for bool {
    fn into_health(self) -> Health {
        Health::new(if self { Status::Up } else { Status::Down })
    }
}

impl<T: IntoHealth, E: Into<Box<dyn Error + Send + Sync>>> IntoHealth for Result<T, E> {
    fn into_health(self) -> Health {
        self.map_or_else(|error| Health::failed(error.into_reason()), T::into_health)
    }
}

/// The types that the function or the closure of a check can return: those that are [`IntoHealth`], and a `Result` with
/// a boxed error that is not `Send` or not `Sync`.
///
/// `Shape` distinguishes the two and is always inferred.
#[diagnostic::on_unimplemented(
    message = "a check cannot return `{Self}`; return `bool`, `()`, `Status`, `Health`, or a `Result` of one of them",
    label = "not an outcome of a check",
    note = "the error of a `Result` is a `std::error::Error` that is `Send`, `Sync` and `'static`, a boxed error, an `anyhow::Error`, a `String`, or a `&str`",
    note = "turn another error that is `Display` into text: `.map_err(|error| error.to_string())`"
)]
pub trait Checked<Shape> {
    /// Converts the outcome into a [`Health`].
    fn health(self) -> Health;
}

impl<T: IntoHealth> Checked<Convertible> for T {
    fn health(self) -> Health {
        self.into_health()
    }
}

impl<T: IntoHealth, E: LocalError> Checked<Local> for Result<T, E> {
    fn health(self) -> Health {
        self.map_or_else(|error| Health::failed(error.into_reason()), T::into_health)
    }
}
