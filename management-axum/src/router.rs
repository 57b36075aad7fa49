use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::extract::{NestedPath, Request};
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter, on_service};
use management_core::Management;
use management_core::endpoint::{Endpoint, MountedAt, Respond, Route};
use tower_service::Service;

/// The management endpoints as a router, to be merged into the application's.
///
/// It has literal routes for its own paths, with and without a slash at the end, and
/// `{prefix}/health/{name}`. It has no fallback and no layer, so that merging it changes nothing for
/// the application's other routes; layers that are added after the merge wrap it, too. A listener of their own
/// ([`Builder::listen`](crate::Builder::listen)) does not take the endpoints away from here: do not merge it
/// where they are to be there alone.
///
/// Nested under a path, as in `.nest("/api", router(&management))` or in a router that is nested itself, all
/// of its paths are below that: `/api/z/health`, and `/api/livez` with
/// [`Builder::kubernetes_paths`](crate::Builder::kubernetes_paths). Merge it into the outermost router where probes
/// ask at the root.
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
/// It fits a router of any state type, and the router that it is merged into tells which. Where nothing
/// tells, the compiler asks for a type annotation: `Router` is the one of an application without state.
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
/// axum's `merge` panics where two routers answer one method at one path:
///
/// ```text
/// Overlapping method route. Handler for `GET /z/health` already exists
/// ```
///
/// Either the endpoints are merged twice, say into the application and into a part of it: merge them once.
/// Or the application has a route of its own there: remove it, since this one takes its place, or move the
/// endpoints with [`Builder::prefix`](crate::Builder::prefix). Two [`Management`]s in one application need
/// two prefixes.
pub fn router<S>(management: &Management) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let endpoint = Endpoint::new(management);
    endpoint.paths().fold(Router::new(), |router, (path, route)| {
        let answer = Answer { endpoint: endpoint.clone(), route };
        // An application may nest this under a parameter, and two of one name cannot be in one path.
        let path = path.replace("{name}", "{management_check}");
        let with_slash = format!("{path}/");
        router.route(&path, all_methods(answer.clone())).route(&with_slash, all_methods(answer))
    })
}

/// Any method, since the endpoint itself says which ones it answers, and how.
///
/// Those that it answers are named, so that axum notices an application's route of the same path.
fn all_methods<S: Clone>(answer: Answer) -> MethodRouter<S> {
    let answered = MethodFilter::GET.or(MethodFilter::HEAD).or(MethodFilter::OPTIONS);
    on_service(answered, answer.clone()).fallback_service(answer)
}

/// One route of the endpoints, as a service.
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
        if let Some(nested) = request.extensions.get::<NestedPath>() {
            let place = MountedAt(nested.as_str().trim_end_matches('/').to_owned());
            request.extensions.insert(place);
        }
        Answering(self.endpoint.respond(self.route, &request))
    }
}

struct Answering(Respond);

impl Future for Answering {
    type Output = Result<Response, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|response| {
            let response = response.map(Body::from);
            // It costs a request some 4 % more instructions, so only those who may ask have it.
            #[cfg(feature = "trace")]
            let response = crate::access_log::marked(response);
            Ok(response)
        })
    }
}
