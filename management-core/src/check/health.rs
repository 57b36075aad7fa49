use std::error::Error;
use std::fmt;

use serde_json::Map;

use crate::check::status::Status;
use crate::run::{Failure, Value};
use crate::text;
use crate::text::json;
use crate::text::json::Json;
use crate::text::reason::{Convertible, IntoReason, Local, LocalError};
use crate::text::secret::Names;

/// What one run of a check found: a [`Status`], why, and details.
///
/// Checks that need no more than up or down return `bool`, `()` or a `Result`; see [`IntoHealth`].
///
/// The reason and the details are shown to those alone whom
/// [`Builder::show_details`](crate::Builder::show_details) allows; the reason is also logged when the
/// status or the reason changes. It is kept on one line of at most 1 KiB.
///
/// Secrets in the reason and in the texts of details are replaced by `***`: the user information of URLs,
/// and what follows a name such as `password`, `api_key` or `Authorization` in any usual notation.
/// [`Builder::mask`](crate::Builder::mask) adds names; a detail whose key is one of those is masked, too.
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
    /// What the log says in place of the reason, since it is for nobody else.
    confidential: Option<String>,
    /// Those of a service dependency.
    components: Option<Components>,
}

/// The components of a service dependency, as JSON that was made once.
#[derive(Clone, Debug)]
pub(crate) struct Components {
    /// Statuses alone.
    pub(crate) plain: Json,
    /// With their details.
    pub(crate) detailed: Json,
}

impl PartialEq for Components {
    fn eq(&self, other: &Self) -> bool {
        self.detailed.get() == other.detailed.get()
    }
}

impl Health {
    /// A health of this status, without a reason.
    pub fn new(status: Status) -> Self {
        Health { status, reason: None, details: Map::new(), confidential: None, components: None }
    }

    /// It works.
    pub fn up() -> Self {
        Health::new(Status::Up)
    }

    /// It works, but not as well as it should.
    pub fn degraded(reason: impl fmt::Display) -> Self {
        Health::new(Status::Degraded).because(reason)
    }

    /// The check could not find out.
    pub fn unknown(reason: impl fmt::Display) -> Self {
        Health::new(Status::Unknown).because(reason)
    }

    /// It does not want requests now.
    pub fn out_of_service(reason: impl fmt::Display) -> Self {
        Health::new(Status::OutOfService).because(reason)
    }

    /// It does not work.
    pub fn down(reason: impl fmt::Display) -> Self {
        Health::new(Status::Down).because(reason)
    }

    /// It does not work, for a reason that is tidy already.
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

    /// Adds a detail, such as a number of connections. The same key again replaces the first.
    ///
    /// Answers show the reason under `details`, too: as `error`, or as `reason` where the check has a detail
    /// `error` of its own, or as `reason2` and so on where it has both.
    #[must_use]
    pub fn detail(mut self, key: impl Into<String>, value: impl Into<serde_json::Value>) -> Self {
        self.details.insert(key.into(), value.into());
        self
    }

    #[cfg(feature = "dependencies")]
    pub(crate) fn with_components(mut self, components: Option<Components>) -> Self {
        self.components = components;
        self
    }

    pub(crate) fn components(&self) -> Option<&Components> {
        self.components.as_ref()
    }

    /// How it is.
    pub fn status(&self) -> Status {
        self.status
    }

    /// Why it is so, on one line, where the check said.
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// The details, sorted by key.
    pub fn details(&self) -> &Map<String, serde_json::Value> {
        &self.details
    }

    /// The reason as the log may have it.
    pub(crate) fn logged_reason(&self) -> Option<&str> {
        self.confidential.as_deref().or(self.reason())
    }
}

impl Value for Health {
    fn from_failure(failure: Failure) -> Self {
        let mut health = Health::down(&failure);
        health.confidential = failure.confidential();
        health
    }

    fn is_success(&self) -> bool {
        self.status.is_success()
    }

    fn mask(&mut self, names: &Names) {
        if !self.details.is_empty() {
            json::mask_details(&mut self.details, names);
        }
        if names.are_usual() {
            return;
        }
        for said in [&mut self.reason, &mut self.confidential].into_iter().flatten() {
            text::mask_added(names, said);
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
            .field("details", &self.details)
            .finish_non_exhaustive()
    }
}

/// What a check may return.
///
/// | Type | Health |
/// |---|---|
/// | `()` | `UP` |
/// | `bool` | `true` is `UP`, `false` is `DOWN` |
/// | [`Status`] | that status |
/// | [`Health`] | as it is |
/// | `Result<T, E>` | `Ok` is the health of `T`; `Err` is `DOWN`, and the reason is the error and its causes |
///
/// Types of your own may implement it.
///
/// # Errors of a `Result`
///
/// `E` is anything that the standard library turns into a `Box<dyn Error + Send + Sync>`: a
/// [`std::error::Error`] that is `Send`, `Sync` and `'static`, that box itself, an `anyhow::Error` and its
/// like, a `String`, a `&'static str`. A check may also return a `Result` with a `Box<dyn Error>`. Turn
/// another type that is `Display` into text: `.map_err(|error| error.to_string())`.
///
/// The reason is the error, written with `{:#}`, and then each [`source`](std::error::Error::source) of it
/// that the text does not contain yet.
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
    message = "a check cannot return `{Self}`",
    label = "return `bool`, `()`, `Status`, `Health`, or a `Result` of one of them",
    note = "a type of your own can implement `IntoHealth`"
)]
pub trait IntoHealth {
    /// Turns the outcome into a [`Health`].
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

/// What a function that is a check may return: what is [`IntoHealth`], and a `Result` whose error is a box
/// that stays on its thread.
///
/// `Shape` tells the two apart and is always inferred.
#[diagnostic::on_unimplemented(
    message = "a check cannot return `{Self}`",
    label = "return `bool`, `()`, `Status`, `Health`, or a `Result` of one of them",
    note = "the error of a `Result` is a `std::error::Error` that is `Send`, `Sync` and `'static`, a boxed error, an `anyhow::Error`, a `String`, or a `&str`",
    note = "turn another error that is `Display` into text: `.map_err(|error| error.to_string())`"
)]
pub trait Checked<Shape> {
    /// Turns the outcome into a [`Health`].
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
