//! Connections that are not to be used again.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, Request, Response, StatusCode, Version};
use management_core::{Availability, Management};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

const CLOSE: HeaderValue = HeaderValue::from_static("close");

/// A layer under which every answer of HTTP/1 carries `Connection: close` while the service drains.
///
/// A client that keeps its connection for the next request would otherwise send that one just when the
/// server closes, and lose it. [`run`](crate::run) has this layer; a server of another kind needs it
/// around the whole application:
///
/// ```
/// use axum::{Router, routing::get};
/// use management_axum::{Management, drain_layer};
///
/// let management = Management::new()?;
/// let app: Router = Router::new()
///     .route("/", get(async || "hello"))
///     .merge(management_axum::router(&management))
///     .layer(drain_layer(&management));
/// # Ok::<_, management_axum::Error>(())
/// ```
///
/// Connections of HTTP/2 are told by the server itself, and those that have been upgraded are left alone.
pub fn drain_layer(management: &Management) -> DrainLayer {
    DrainLayer { availability: management.availability().clone() }
}

/// The layer of [`drain_layer`].
#[derive(Clone, Debug)]
pub struct DrainLayer {
    availability: Availability,
}

impl<S> Layer<S> for DrainLayer {
    type Service = Drain<S>;

    fn layer(&self, inner: S) -> Drain<S> {
        Drain { inner, availability: self.availability.clone() }
    }
}

/// The service of [`drain_layer`].
#[derive(Clone, Debug)]
pub struct Drain<S> {
    inner: S,
    availability: Availability,
}

impl<S, B, R> Service<Request<B>> for Drain<S>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Draining<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let has_connection = request.version() <= Version::HTTP_11;
        let availability = has_connection.then(|| self.availability.clone());
        Draining { inner: self.inner.call(request), availability }
    }
}

pin_project! {
    /// The future of [`Drain`].
    #[derive(Debug)]
    pub struct Draining<F> {
        #[pin]
        inner: F,
        // Nothing where the protocol has other means.
        availability: Option<Availability>,
    }
}

impl<F, R, E> Future for Draining<F>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let mut response = ready!(this.inner.poll(cx))?;
        // Asked when the answer is there: the drain may have begun since the request came.
        let is_draining = this.availability.as_ref().is_some_and(Availability::is_draining);
        if is_draining && response.status() != StatusCode::SWITCHING_PROTOCOLS {
            response.headers_mut().insert(CONNECTION, CLOSE);
        }
        Poll::Ready(Ok(response))
    }
}
