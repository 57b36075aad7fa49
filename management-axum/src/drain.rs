//! A layer that makes clients close their connections during a drain.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, Request, Response, StatusCode, Version};
use management_core::{Availability, Management};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

const CLOSE: HeaderValue = HeaderValue::from_static("close");

/// Returns a layer that adds `Connection: close` to every HTTP/1 answer while the service drains.
///
/// Otherwise, a client that keeps its connection could send its next request just when the server closes it, and lose
/// that request. [`run`](crate::run) has this layer. Another server needs it around the whole application:
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
/// It does not change answers of HTTP/2, whose connections the server closes itself, and answers that upgrade a connection.
pub fn drain_layer(management: &Management) -> DrainLayer {
    DrainLayer { availability: management.availability().clone() }
}

/// The layer that [`drain_layer`] returns.
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

/// The service of [`DrainLayer`].
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
        // `None` if the protocol closes connections by other means.
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
        // After the answer: the drain may have begun since the request arrived.
        let is_draining = this.availability.as_ref().is_some_and(Availability::is_draining);
        if is_draining && response.status() != StatusCode::SWITCHING_PROTOCOLS {
            response.headers_mut().insert(CONNECTION, CLOSE);
        }
        Poll::Ready(Ok(response))
    }
}
