use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts, NestedPath, RawPathParams, Request};
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter, on_service};
use management_core::Management;
use management_core::endpoint::{Endpoint, MountedAt, Respond, Route};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tower_service::Service;

/// What is encoded in a segment of a path: everything but the unreserved characters of RFC 3986.
const IN_SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Returns a router with the management endpoints, to merge into the application's router.
///
/// It has literal routes for its own paths, with and without a slash at the end, and `{prefix}/health/{name}`. It has no
/// fallback and no layer, so merging it does not change the application's other routes. Layers that are added after the
/// merge apply to it. A listener for the endpoints ([`Builder::listen`](crate::Builder::listen)) does not remove them
/// from the application: if they should only be reachable there, do not merge this router.
///
/// Nested under a path, as in `.nest("/api", router(&management))`, all of its paths are below that path: `/api/z/health`,
/// and `/api/livez` with [`Builder::kubernetes_paths`](crate::Builder::kubernetes_paths). If probes use paths at the root,
/// merge this into the outermost router.
///
/// ```
/// use axum::{Router, routing::get};
/// use management_axum::Management;
///
/// let app: Router = Router::new()
///     .route("/", get(async || "hello"))
///     .merge(management_axum::router(&Management::new()?));
/// # Ok::<_, management_axum::Error>(())
/// ```
///
/// Its state type is inferred from the router that it is merged into. Without such a router, the compiler asks for a type
/// annotation. `Router` is the type for an application without state.
///
/// ```
/// use axum::Router;
/// use management_axum::Management;
///
/// let endpoints: Router = management_axum::router(&Management::new()?);
/// # Ok::<_, management_axum::Error>(())
/// ```
///
/// # Panics
///
/// axum's `merge` panics if two routers have a route for the same method and path:
///
/// ```text
/// Overlapping method route. Handler for `GET /z/health` already exists
/// ```
///
/// If the endpoints are merged twice, for instance into the application and into a part of it, merge them once. If the
/// application has a route of its own there, remove it, or move the endpoints with
/// [`Builder::prefix`](crate::Builder::prefix). Two [`Management`]s in one application need two prefixes.
pub fn router<S>(management: &Management) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    routes(Endpoint::new(management))
}

/// The router of these endpoints.
pub(crate) fn routes<S>(endpoint: Endpoint) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    endpoint.paths().fold(Router::new(), |router, (path, route)| {
        let answer = Answer { endpoint: endpoint.clone(), route };
        // The application may nest this under a parameter, and a path cannot contain two parameters of one name.
        let path = path.replace("{name}", "{management_check}");
        let with_slash = format!("{path}/");
        router.route(&path, all_methods(answer.clone())).route(&with_slash, all_methods(answer))
    })
}

/// Routes every method to the endpoint, which answers the unsupported ones itself.
///
/// The supported methods are listed, so that axum notices a route of the application at the same path.
fn all_methods<S: Clone>(answer: Answer) -> MethodRouter<S> {
    let answered = MethodFilter::GET.or(MethodFilter::HEAD).or(MethodFilter::OPTIONS);
    on_service(answered, answer.clone()).fallback_service(answer)
}

/// A service that answers requests to one route.
#[derive(Clone)]
struct Answer {
    endpoint: Endpoint,
    route: Route,
}

impl Service<Request> for Answer {
    type Response = Response;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Answering {
        let (mut request, _) = request.into_parts();
        if let Some(place) = mounted_at(&mut request) {
            request.extensions.insert(place);
        }
        Answering(self.endpoint.respond(self.route, &request))
    }
}

/// Where the application has nested this, with the values of parameters in that path.
fn mounted_at(request: &mut Parts) -> Option<MountedAt> {
    let nested = request.extensions.get::<NestedPath>()?.as_str().trim_end_matches('/');
    let mut place = nested.to_owned();
    if place.contains('{') {
        // The extractor only looks at the extensions, and is ready when it is polled first.
        let extracted = pin!(RawPathParams::from_request_parts(request, &()));
        if let Poll::Ready(Ok(parameters)) = extracted.poll(&mut Context::from_waker(Waker::noop()))
        {
            for (name, value) in &parameters {
                // A value with a brace would otherwise be taken for another parameter.
                let value = utf8_percent_encode(value, IN_SEGMENT).to_string();
                place = place.replace(&format!("{{{name}}}"), &value);
            }
        }
    }
    Some(MountedAt(place))
}

struct Answering(Respond);

impl Future for Answering {
    type Output = Result<Response, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|response| {
            let response = response.map(Body::from);
            // It adds some 4 % to the instructions of a request, so it is not there without the feature.
            #[cfg(feature = "trace")]
            let response = crate::access_log::marked(response);
            Ok(response)
        })
    }
}
