//! The return types of version providers and info contributors.

use serde::Serialize;
use serde_json::value::to_raw_value;

use crate::run::{Failure, Value};
use crate::text::json::Json;
use crate::text::reason::IntoReason;
use crate::text::secret::Names;

/// The result of one run of a provider.
pub type Provided<T> = Result<T, Failure>;

impl<T: Send + Sync + 'static> Value for Provided<T> {
    fn from_failure(failure: Failure) -> Self {
        Err(failure)
    }

    fn is_success(&self) -> bool {
        self.is_ok()
    }

    fn mask(&mut self, names: &Names) {
        if let Err(failure) = self {
            failure.mask(names);
        }
    }
}

/// The types that a version provider can return: a type that is `Into<String>`, an `Option` of it, or a `Result` of
/// either. The error of the `Result` can have the same types as that of a check, and the log has it with its causes; see
/// [`IntoHealth`](crate::IntoHealth).
///
/// `Shape` distinguishes the three and is always inferred. This trait is sealed.
#[diagnostic::on_unimplemented(
    message = "a version provider cannot return `{Self}`",
    label = "cannot be turned into a version",
    note = "a version provider returns a value that is `Into<String>`, an `Option` of one, or a `Result` of either"
)]
pub trait IntoVersion<Shape>: sealed::Sealed<Shape> {
    /// Converts the outcome into a version, into `None`, or into the text of an error.
    fn into_version(self) -> Result<Option<String>, String>;
}

mod sealed {
    use super::{Fallible, IntoVersion, Optional, Plain};
    use crate::text::reason::IntoReason;

    #[expect(unnameable_types, reason = "this seals `IntoVersion`")]
    pub trait Sealed<Shape> {}

    impl<T: Into<String>> Sealed<Plain> for T {}
    impl<T: Into<String>> Sealed<Optional> for Option<T> {}
    impl<T, Shape, E, Reason> Sealed<Fallible<Shape, Reason>> for Result<T, E>
    where
        T: IntoVersion<Shape>,
        E: IntoReason<Reason>,
    {
    }
}

/// The shape of a type that is `Into<String>`.
#[derive(Debug)]
pub enum Plain {}

/// The shape of an `Option`.
#[derive(Debug)]
pub enum Optional {}

/// The shape of a `Result`.
#[derive(Debug)]
pub struct Fallible<Shape, Reason>(Shape, Reason);

#[diagnostic::do_not_recommend]
impl<T: Into<String>> IntoVersion<Plain> for T {
    fn into_version(self) -> Result<Option<String>, String> {
        Ok(Some(self.into()))
    }
}

#[diagnostic::do_not_recommend]
impl<T: Into<String>> IntoVersion<Optional> for Option<T> {
    fn into_version(self) -> Result<Option<String>, String> {
        Ok(self.map(Into::into))
    }
}

#[diagnostic::do_not_recommend]
impl<T: IntoVersion<Shape>, Shape, E: IntoReason<Reason>, Reason>
    IntoVersion<Fallible<Shape, Reason>> for Result<T, E>
{
    fn into_version(self) -> Result<Option<String>, String> {
        self.map_err(IntoReason::into_reason)?.into_version()
    }
}

/// Converts the return value of a version provider.
pub fn version<T: IntoVersion<Shape>, Shape>(outcome: T) -> Provided<Option<String>> {
    outcome.into_version().map_err(Failure::failed)
}

/// A value that an info contributor can return: every type that is [`Serialize`].
///
/// The trait exists for the compiler's message about other types.
#[diagnostic::on_unimplemented(
    message = "an info contributor cannot return `{Self}`",
    label = "cannot be written as JSON",
    note = "derive `serde::Serialize` for its type, or return a `serde_json::Value`",
    note = "an info contributor returns a value that is `Serialize`, or a `Result` of one"
)]
pub trait InfoValue: Serialize {}

#[diagnostic::do_not_recommend]
impl<T: Serialize> InfoValue for T {}

/// The return value of an info contributor, to be converted to JSON.
///
/// A `Result` is `Serialize` itself and would be shown as `{"Ok": …}`. Two methods with the same name prevent this: method
/// resolution finds the inherent one, for a `Result`, first. The bounds are on the methods and not on the `impl`s, so that
/// a method is found for every value and the compiler reports the bound.
#[derive(Debug)]
pub struct Contribution<T>(pub T);

impl<T, E> Contribution<Result<T, E>> {
    /// The JSON of the value, or the error.
    pub fn into_json<Reason>(self) -> Provided<Json>
    where
        T: InfoValue,
        E: IntoReason<Reason>,
    {
        let value = self.0.map_err(Failure::failed)?;
        Contribution(value).into_json()
    }
}

/// See [`Contribution`].
pub trait Contributed<T> {
    /// The JSON of the value.
    fn into_json(self) -> Provided<Json>
    where
        T: InfoValue;
}

impl<T> Contributed<T> for Contribution<T> {
    fn into_json(self) -> Provided<Json>
    where
        T: InfoValue,
    {
        to_raw_value(&self.0)
            .map_err(|error| Failure::failed(format!("cannot be serialized as JSON: {error}")))
    }
}
