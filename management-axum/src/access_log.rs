//! A log of requests that leaves out the probes' successes, and how another log can tell them.

use std::time::Duration;

use axum::extract::OriginalUri;
use axum::http::{Request, Response};
use tower_http::classify::ServerErrorsFailureClass;
use tower_http::trace::{HttpMakeClassifier, MakeSpan, OnFailure, OnResponse, TraceLayer};
use tracing::Span;

/// The mark of a response that an endpoint made.
///
/// The path does not tell: an application may nest, rewrite paths, or have routes of its own under
/// the prefix.
#[derive(Clone, Copy)]
struct FromEndpoint;

/// Marks a response of an endpoint.
pub(crate) fn marked<B>(mut response: Response<B>) -> Response<B> {
    response.extensions_mut().insert(FromEndpoint);
    response
}

/// Whether a management endpoint made this response, and it is a success.
///
/// These are the answers that an access log has no use for. Whatever else there is under the prefix
/// is none of them: a 503, a name that no check has, a method that is not allowed, and the
/// application's own routes. A response that a middleware made in the endpoint's place is none
/// either.
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
/// For a [`TraceLayer`] of your own, of any version. Its lines at the start of a request and at the
/// end of a body are written where no response is in sight, so they are all or none:
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

/// An access log: a line for each request, and none for a probe that succeeded.
///
/// ```text
///  INFO request{method=GET path="/users/7"}: access_log: answered status=200 latency=1.8ms
///  INFO request{method=GET path="/z/health/readiness"}: access_log: answered status=503 latency=97µs
/// ```
///
/// The line is written once the head of the response is there, at `INFO` with the target
/// `access_log`, whatever the status; [`is_successful_probe`] says for which responses there is none.
/// Where the wrapped service fails instead of answering, the line tells its error; where the client
/// hangs up before that, there is none. The span around it has the same level and target, so that a
/// filter shows both or neither, and what handlers log is inside it, too.
///
/// The path is the whole one also where the layer is on a router that is nested. Queries are not
/// logged, since they may hold secrets.
///
/// A layer sees what is inside it. Added last, it sees every answer of the application:
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
/// It is a [`TraceLayer`], so that parts of it can be replaced:
///
/// ```
/// use axum::http::Request;
/// use tracing::info_span;
///
/// let layer = management_axum::access_log().make_span_with(|request: &Request<_>| {
///     info_span!(target: "access_log", "request", host = ?request.headers().get("host"))
/// });
/// # let _: axum::Router = axum::Router::new().layer(layer);
/// ```
pub fn access_log() -> TraceLayer<HttpMakeClassifier, AccessLog, (), AccessLog, (), (), AccessLog> {
    TraceLayer::new_for_http()
        .make_span_with(AccessLog)
        .on_request(())
        .on_response(AccessLog)
        .on_body_chunk(())
        .on_eos(())
        .on_failure(AccessLog)
}

/// The span and the lines of [`access_log`], as parts of a [`TraceLayer`].
#[derive(Clone, Copy, Debug, Default)]
pub struct AccessLog;

impl<B> MakeSpan<B> for AccessLog {
    fn make_span(&mut self, request: &Request<B>) -> Span {
        let nested = request.extensions().get::<OriginalUri>();
        let path = nested.map_or(request.uri(), |original| &original.0).path();
        tracing::info_span!(target: "access_log", "request", method = %request.method(), path)
    }
}

impl<B> OnResponse<B> for AccessLog {
    fn on_response(self, response: &Response<B>, latency: Duration, span: &Span) {
        if !is_successful_probe(response) {
            let status = response.status().as_u16();
            tracing::info!(target: "access_log", parent: span, status, ?latency, "answered");
        }
    }
}

impl OnFailure<ServerErrorsFailureClass> for AccessLog {
    fn on_failure(&mut self, class: ServerErrorsFailureClass, latency: Duration, span: &Span) {
        // A status is in the line of the response already.
        if let ServerErrorsFailureClass::Error(error) = class {
            tracing::info!(target: "access_log", parent: span, error, ?latency, "failed");
        }
    }
}
