//! What version providers and info contributors may return.

use std::fmt;

use serde::Serialize;
use serde_json::value::to_raw_value;

use crate::info::Json;
use crate::runner::{Failure, Value};

/// What a provider came to.
pub type Provided<T> = Result<T, Failure>;

impl<T: Send + Sync + 'static> Value for Provided<T> {
    fn from_failure(failure: Failure) -> Self {
        Err(failure)
    }

    fn is_success(&self) -> bool {
        self.is_ok()
    }
}

/// What a version provider may return: anything that is `Into<String>`, an `Option` of it, or a
/// `Result` of either.
///
/// `Shape` tells the three apart and is always inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no version",
    note = "a version provider returns what is `Into<String>`, an `Option` of it, or a `Result` of either whose error is `Display`"
)]
pub trait IntoVersion<Shape> {
    /// Turns the outcome into a version, into nothing, or into the text of an error.
    fn into_version(self) -> Result<Option<String>, String>;
}

/// The shape of what is `Into<String>`.
#[derive(Debug)]
pub enum Plain {}

/// The shape of an `Option`.
#[derive(Debug)]
pub enum Optional {}

/// The shape of a `Result`.
#[derive(Debug)]
pub struct Fallible<Shape>(Shape);

impl<T: Into<String>> IntoVersion<Plain> for T {
    fn into_version(self) -> Result<Option<String>, String> {
        Ok(Some(self.into()))
    }
}

impl<T: Into<String>> IntoVersion<Optional> for Option<T> {
    fn into_version(self) -> Result<Option<String>, String> {
        Ok(self.map(Into::into))
    }
}

impl<T: IntoVersion<Shape>, Shape, E: fmt::Display> IntoVersion<Fallible<Shape>> for Result<T, E> {
    fn into_version(self) -> Result<Option<String>, String> {
        self.map_err(|error| format!("{error:#}"))?.into_version()
    }
}

/// The version of what a provider returned.
pub fn version<T: IntoVersion<Shape>, Shape>(outcome: T) -> Provided<Option<String>> {
    outcome.into_version().map_err(Failure::failed)
}

/// What an info contributor returned, to be turned into JSON.
///
/// A `Result` is `Serialize` itself, so two methods of one name keep it from being shown as
/// `{"Ok": …}`: the inherent one, for a `Result`, comes first in method resolution.
#[derive(Debug)]
pub struct Contribution<T>(pub T);

impl<T: Serialize, E: fmt::Display> Contribution<Result<T, E>> {
    /// The value's JSON, or the error.
    pub fn into_json(self) -> Provided<Json> {
        Contribution(self.0.map_err(Failure::failed)?).into_json()
    }
}

/// See [`Contribution`].
pub trait Contributed {
    /// The value's JSON.
    fn into_json(self) -> Provided<Json>;
}

impl<T: Serialize> Contributed for Contribution<T> {
    fn into_json(self) -> Provided<Json> {
        to_raw_value(&self.0)
            .map_err(|error| Failure::failed(format_args!("cannot be written as JSON: {error}")))
    }
}
