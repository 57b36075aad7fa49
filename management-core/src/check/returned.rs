//! The value that a function with an attribute returned, before it is converted.

use std::cell::Cell;
use std::fmt;

use crate::text::reason::IntoReason;

/// The value that a function returned. If it is a `Result`, its error may only implement `Display`.
///
/// A generic function cannot distinguish errors from other types that are `Display`. Method resolution can, where the
/// type is known, as in the expansion of an attribute: `(&&returned).value()` finds [`AsIs`] first, then [`AsText`], and
/// last [`Untouched`].
pub struct Returned<T>(Cell<Option<T>>);

impl<T> Returned<T> {
    /// Wraps the value.
    pub fn new(returned: T) -> Self {
        Returned(Cell::new(Some(returned)))
    }

    fn take(&self) -> T {
        self.0.take().expect("the expansion takes the value once")
    }
}

impl<T> fmt::Debug for Returned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Returned").finish_non_exhaustive()
    }
}

/// A `Result` whose error has causes.
pub trait AsIs<T, E, Shape> {
    /// The result.
    fn value(&self) -> Result<T, E>;
}

impl<T, E: IntoReason<Shape>, Shape> AsIs<T, E, Shape> for &Returned<Result<T, E>> {
    fn value(&self) -> Result<T, E> {
        self.take()
    }
}

/// A `Result` whose error only implements `Display`.
pub trait AsText<T> {
    /// The result, with the error's text.
    fn value(&self) -> Result<T, String>;
}

impl<T, E: fmt::Display> AsText<T> for &&Returned<Result<T, E>> {
    fn value(&self) -> Result<T, String> {
        self.take().map_err(|error| format!("{error:#}"))
    }
}

/// Any other value. The compiler checks its type where the outcome is needed.
pub trait Untouched<T> {
    /// The value.
    fn value(&self) -> T;
}

impl<T> Untouched<T> for Returned<T> {
    fn value(&self) -> T {
        self.take()
    }
}
