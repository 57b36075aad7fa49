//! What the closures of the builder and of [`Check::new`](crate::Check::new) return.

/// A future: what `async || …` and `|| async { … }` return.
///
/// Every [`Future`] is one, and nothing else is. It is a trait of its own for the compiler's message about
/// a closure that returns something else.
#[diagnostic::on_unimplemented(
    message = "the closure returns `{Self}`, which is not a future",
    label = "the closure does not await",
    note = "write `async || …`",
    note = "for a check that does not await, write `Check::blocking` in place of `Check::new`"
)]
pub trait Awaited {
    /// What the future comes to.
    ///
    /// It is not named after [`Future::Output`], whose own error would come first.
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
