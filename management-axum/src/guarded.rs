//! Catches panics on the thread of the endpoints.

use std::any::Any;
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse as _, Response};
use management_core::lifecycle::ManagementThread;
use pin_project_lite::pin_project;
use tower_service::Service;

/// A service whose panics are reported: the service as a whole is then *broken*, and the request is answered with 500.
#[derive(Clone)]
pub(crate) struct Guarded<S> {
    inner: S,
    thread: Arc<ManagementThread>,
}

impl<S> Guarded<S> {
    pub(crate) fn new(inner: S, thread: &ManagementThread) -> Self {
        Guarded { inner, thread: Arc::new(thread.clone()) }
    }
}

impl<S> Service<Request> for Guarded<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Guarding<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let called = catch_unwind(AssertUnwindSafe(|| self.inner.call(request)));
        let thread = Arc::clone(&self.thread);
        match called {
            Ok(inner) => Guarding { inner: Some(inner), thread },
            Err(panic) => {
                thread.report_panic(&*panic);
                Guarding { inner: None, thread }
            }
        }
    }
}

pin_project! {
    /// The future of [`Guarded`].
    pub(crate) struct Guarding<F> {
        // `None` if the call has panicked.
        #[pin]
        inner: Option<F>,
        thread: Arc<ManagementThread>,
    }
}

impl<F: Future<Output = Result<Response, Infallible>>> Future for Guarding<F> {
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Some(inner) = this.inner.as_pin_mut() else { return Poll::Ready(Ok(failed())) };
        let report = |panic: Box<dyn Any + Send>| {
            this.thread.report_panic(&*panic);
            Poll::Ready(Ok(failed()))
        };
        catch_unwind(AssertUnwindSafe(|| inner.poll(cx))).unwrap_or_else(report)
    }
}

fn failed() -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, [(CACHE_CONTROL, "no-store")]).into_response()
}
