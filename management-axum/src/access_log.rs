//! A log of requests without successful probes, and the means to filter them out of another log.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use axum::extract::OriginalUri;
use axum::http::{Request, Response};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;
use tracing::Span;

/// Marks a response that an endpoint made.
///
/// The path is not enough: an application may nest routers, rewrite paths, or have routes of its own under the prefix.
#[derive(Clone, Copy)]
struct FromEndpoint;

/// Marks a response as one of an endpoint.
pub(crate) fn marked<B>(mut response: Response<B>) -> Response<B> {
    response.extensions_mut().insert(FromEndpoint);
    response
}

/// Whether this is a successful response of a management endpoint, which an access log can leave out.
///
/// It is `false` for all other responses under the prefix: a 503, a check that does not exist, a method that is not
/// allowed, and the application's own routes. It is also `false` for a response that a middleware made in place of
/// the endpoint's.
///
/// # Examples
///
/// For a middleware of your own:
///
/// ```
/// use axum::Router;
/// use axum::extract::Request;
/// use axum::middleware::{Next, from_fn};
/// use axum::response::Response;
/// use management_axum::{Management, is_successful_probe};
///
/// async fn log(request: Request, next: Next) -> Response {
///     let path = request.uri().path().to_owned();
///     let response = next.run(request).await;
///     if !is_successful_probe(&response) {
///         println!("{path} {}", response.status());
///     }
///     response
/// }
///
/// let app: Router = Router::new()
///     .merge(management_axum::router(&Management::new()?))
///     .layer(from_fn(log));
/// # Ok::<_, management_axum::Error>(())
/// ```
///
/// For a `TraceLayer` of tower-http, of any version. It writes its lines about the start of a request and about the
/// end of a body when it does not have the response, so they can only be switched off for all requests:
///
/// ```
/// use std::time::Duration;
///
/// use axum::Router;
/// use axum::response::Response;
/// use management_axum::{Management, is_successful_probe};
/// use tower_http::trace::{DefaultOnResponse, OnResponse, TraceLayer};
/// use tracing::Span;
///
/// let trace = TraceLayer::new_for_http()
///     .on_request(())
///     .on_response(|response: &Response, latency: Duration, span: &Span| {
///         if !is_successful_probe(response) {
///             DefaultOnResponse::new().on_response(response, latency, span);
///         }
///     })
///     .on_eos(());
/// let app: Router =
///     Router::new().merge(management_axum::router(&Management::new()?)).layer(trace);
/// # Ok::<_, management_axum::Error>(())
/// ```
pub fn is_successful_probe<B>(response: &Response<B>) -> bool {
    response.status().is_success() && response.extensions().get::<FromEndpoint>().is_some()
}

/// Returns a layer that logs each request in one line, except successful probes.
///
/// ```text
///  INFO request{method=GET path="/users/7"}: access_log: answered status=200 latency=1.8ms
///  INFO request{method=GET path="/z/health/readiness"}: access_log: answered status=503 latency=97µs
/// ```
///
/// The line is written when the head of the response is there, at `INFO` with the target `access_log`, whatever the
/// status. Responses for which [`is_successful_probe`] is true have no line. If the wrapped service fails instead of
/// responding, the line contains its error. If the client disconnects before that, there is no line.
///
/// The span around the line has the same level and target, so that a filter shows both or neither. What handlers log is
/// inside the span.
///
/// The path is the whole path, also if the layer is on a nested router. Queries are not logged, since they may contain
/// secrets.
///
/// A layer covers the routes that are added before it. Added last, it logs every answer of the application:
///
/// ```
/// use axum::{Router, routing::get};
/// use management_axum::Management;
///
/// let app: Router = Router::new()
///     .route("/", get(async || "hello"))
///     .merge(management_axum::router(&Management::new()?))
///     .layer(management_axum::access_log());
/// # Ok::<_, management_axum::Error>(())
/// ```
///
/// For lines or spans of another form, use a layer of your own with [`is_successful_probe`].
pub fn access_log() -> AccessLogLayer {
    AccessLogLayer { _private: () }
}

/// The layer that [`access_log`] returns.
#[derive(Clone, Debug)]
pub struct AccessLogLayer {
    _private: (),
}

impl<S> Layer<S> for AccessLogLayer {
    type Service = AccessLog<S>;

    fn layer(&self, inner: S) -> AccessLog<S> {
        AccessLog { inner }
    }
}

/// The service of [`AccessLogLayer`].
#[derive(Clone, Debug)]
pub struct AccessLog<S> {
    inner: S,
}

impl<S, B, R> Service<Request<B>> for AccessLog<S>
where
    S: Service<Request<B>, Response = Response<R>, Error: fmt::Display>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = AccessLogFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let begun = Instant::now();
        let nested = request.extensions().get::<OriginalUri>();
        let path = nested.map_or(request.uri(), |original| &original.0).path();
        let span =
            tracing::info_span!(target: "access_log", "request", method = %request.method(), path);
        let inner = span.in_scope(|| self.inner.call(request));
        AccessLogFuture { inner, span, begun }
    }
}

pin_project! {
    /// The future of [`AccessLog`].
    #[derive(Debug)]
    pub struct AccessLogFuture<F> {
        #[pin]
        inner: F,
        span: Span,
        begun: Instant,
    }
}

impl<F, R, E> Future for AccessLogFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    E: fmt::Display,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _entered = this.span.enter();
        let answer = ready!(this.inner.poll(cx));
        let latency = this.begun.elapsed();
        match &answer {
            Ok(response) if is_successful_probe(response) => {}
            Ok(response) => {
                let status = response.status().as_u16();
                tracing::info!(target: "access_log", status, ?latency, "answered");
            }
            Err(error) => {
                let error = error.to_string();
                tracing::info!(target: "access_log", error, ?latency, "failed");
            }
        }
        Poll::Ready(answer)
    }
}
