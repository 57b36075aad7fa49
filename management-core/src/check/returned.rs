//! What a function with an attribute returned, before anything is made of it.

use std::cell::Cell;
use std::fmt;

use crate::text::reason::IntoReason;

/// What a function returned, whose error may be `Display` and nothing else.
///
/// Nobody can ask in a generic function whether a type that is `Display` is an error, too. Where the type is
/// known, as in the expansion of an attribute, method resolution can tell: `(&&returned).told()` finds
/// [`AsIs`] first, then [`AsText`], and last [`Untouched`].
pub struct Returned<T>(Cell<Option<T>>);

impl<T> Returned<T> {
    /// What was returned.
    pub fn new(returned: T) -> Self {
        Returned(Cell::new(Some(returned)))
    }

    fn take(&self) -> T {
        self.0.take().expect("the expansion takes it once")
    }
}

impl<T> fmt::Debug for Returned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Returned").finish_non_exhaustive()
    }
}

/// A `Result` whose error tells its causes.
pub trait AsIs<T, E, Shape> {
    /// The result.
    fn told(&self) -> Result<T, E>;
}

impl<T, E: IntoReason<Shape>, Shape> AsIs<T, E, Shape> for &Returned<Result<T, E>> {
    fn told(&self) -> Result<T, E> {
        self.take()
    }
}

/// A `Result` whose error is `Display` only.
pub trait AsText<T> {
    /// The result, with the error's text.
    fn told(&self) -> Result<T, String>;
}

impl<T, E: fmt::Display> AsText<T> for &&Returned<Result<T, E>> {
    fn told(&self) -> Result<T, String> {
        self.take().map_err(|error| format!("{error:#}"))
    }
}

/// Anything else. What cannot be an outcome is refused where the outcome is needed.
pub trait Untouched<T> {
    /// What was returned.
    fn told(&self) -> T;
}

impl<T> Untouched<T> for Returned<T> {
    fn told(&self) -> T {
        self.take()
    }
}
