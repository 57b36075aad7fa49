//! The return type of the closures of the builder and of [`Check::new`](crate::Check::new).

/// A future, such as `async || …` and `|| async { … }` return.
///
/// Every [`Future`] implements this trait, and no other type does. The trait exists for the compiler's message about a
/// closure that returns something else.
#[diagnostic::on_unimplemented(
    message = "the closure returns `{Self}`, which is not a future",
    label = "the closure does not await",
    note = "write `async || …`",
    note = "for a check that does not await, write `Check::blocking` instead of `Check::new`"
)]
pub trait Awaited {
    /// The output of the future.
    ///
    /// Its name differs from [`Future::Output`], because the compiler would report the error about that one first.
    type Outcome;

    /// The future itself.
    fn outcome(self) -> impl Future<Output = Self::Outcome> + Send + 'static
    where
        Self: Send + 'static;
}

#[diagnostic::do_not_recommend]
impl<F: Future> Awaited for F {
    type Outcome = F::Output;

    fn outcome(self) -> impl Future<Output = F::Output> + Send + 'static
    where
        Self: Send + 'static,
    {
        self
    }
}
