//! How to support another web framework: from a request to a response, in the types of the `http` crate.
//!
//! An adapter mounts every path of [`Endpoint::paths`] and answers requests there with [`Endpoint::respond`].
//! `management-axum` is such an adapter. An adapter that also runs the server needs [`lifecycle`](crate::lifecycle).
//!
//! ```
//! use http::Request;
//! use management_core::endpoint::{Endpoint, Route};
//! use management_core::Management;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), management_core::Error> {
//! let endpoint = Endpoint::new(&Management::new()?);
//! let (path, route) = endpoint.paths().next().expect("there are endpoints");
//! assert_eq!((&*path, route), ("/z/health", Route::Health));
//!
//! let (request, ()) = Request::get(path).body(()).expect("a request").into_parts();
//! let response = endpoint.respond(route, &request).await;
//! assert_eq!(response.status(), 200);
//! assert_eq!(response.body(), r#"{"status":"UP","components":{}}"#);
//! # Ok(())
//! # }
//! ```

mod health;
mod identity;
mod json;
mod kept;
mod negotiate;
mod prober;
mod query;
mod reply;
mod routes;
mod text;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Response};

pub use crate::config::route::Route;
use crate::management::Management;
use crate::report::scope::Question;
use kept::Kept;
use prober::Advice;
use reply::Reply;
#[cfg(test)]
pub(crate) use routes::segments_of_health;

/// The endpoints of one [`Management`]. Cheap to clone.
#[derive(Clone)]
pub struct Endpoint {
    shared: Arc<Shared>,
}

struct Shared {
    management: Management,
    kept: Kept,
    advice: Advice,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.management.inner().endpoints.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Endpoint {
    /// The endpoints of this management.
    pub fn new(management: &Management) -> Self {
        management.inner().endpoints.fetch_add(1, Ordering::Relaxed);
        let shared = Shared {
            management: management.clone(),
            kept: Kept::default(),
            advice: Advice::default(),
        };
        Endpoint { shared: Arc::new(shared) }
    }

    /// Each path, with the prefix and with `{name}` for one segment, and its route; then those of
    /// [`Builder::kubernetes_paths`](crate::Builder::kubernetes_paths), which have no prefix. Every path is
    /// also meant with a slash at its end. Where an application mounts them under a path of its own, that
    /// comes before all of them.
    pub fn paths(&self) -> impl Iterator<Item = (String, Route)> {
        let prefix = &self.shared.management.inner().exposure.prefix;
        let prefixed = move |&(path, route): &(&str, _)| (format!("{prefix}{path}"), route);
        let kubernetes = routes::KUBERNETES.iter().map(|&(path, route)| (path.to_owned(), route));
        let all = routes::ROUTES.iter().map(prefixed).chain(kubernetes);
        all.filter(|&(_, route)| self.is_there(route))
    }

    fn is_there(&self, route: Route) -> bool {
        let exposure = &self.shared.management.inner().exposure;
        let is_off = |route| exposure.switched_off.contains(&route);
        let is_known = exposure.kubernetes_paths || !route.is_kubernetes();
        is_known && !is_off(route) && !is_off(route.parent())
    }

    /// The response to a request that arrived at a route.
    ///
    /// For [`Route::Named`] and for those that end with `Check`, the last segment of the request's path is
    /// the name.
    pub fn respond(&self, route: Route, request: &Parts) -> Respond {
        let method = &request.method;
        if !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
            return Respond::ready(Reply::method_not_allowed().to(method));
        }
        if !self.is_there(route) {
            return Respond::ready(Reply::not_found().to(method));
        }
        let management = &self.shared.management;
        management.wake();
        match route {
            Route::Health => self.question(Question::Health, request),
            Route::Liveness => self.question(Question::Liveness, request),
            Route::Readiness => self.question(Question::Readiness, request),
            Route::Startup => self.question(Question::Startup, request),
            Route::Named => self.named(request),
            Route::Livez => self.kubernetes("livez", Question::Liveness, request),
            Route::Readyz => self.kubernetes("readyz", Question::Readiness, request),
            Route::Startupz => self.kubernetes("startupz", Question::Startup, request),
            Route::Healthz => self.kubernetes("healthz", Question::Health, request),
            Route::LivezCheck => self.kubernetes_check(Question::Liveness, request),
            Route::ReadyzCheck => self.kubernetes_check(Question::Readiness, request),
            Route::StartupzCheck => self.kubernetes_check(Question::Startup, request),
            Route::HealthzCheck => self.kubernetes_check(Question::Health, request),
            Route::Info => {
                let management = management.clone();
                Respond::later(method, async move { identity::info(&management).await })
            }
            Route::Version => {
                let management = management.clone();
                Respond::later(method, async move { identity::version(&management).await })
            }
        }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("management", &self.shared.management).finish()
    }
}

/// In the extensions of a request: the path at which the application has mounted the endpoints, where the
/// request's own path is without it. The log tells paths as they are asked from outside.
#[derive(Clone, Debug)]
pub struct MountedAt(pub String);

/// A response that may have to wait for runs. Dropping it ends no run.
#[must_use = "a future does nothing until it is awaited"]
pub struct Respond(Progress);

enum Progress {
    Ready(Option<Response<Bytes>>),
    Waiting(Method, Pin<Box<dyn Future<Output = Reply> + Send>>),
}

impl Respond {
    fn ready(response: Response<Bytes>) -> Self {
        Respond(Progress::Ready(Some(response)))
    }

    fn later(method: &Method, reply: impl Future<Output = Reply> + Send + 'static) -> Self {
        Respond(Progress::Waiting(method.clone(), Box::pin(reply)))
    }
}

impl Future for Respond {
    type Output = Response<Bytes>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Progress::Ready(response) => {
                Poll::Ready(response.take().expect("polled after it was ready"))
            }
            Progress::Waiting(method, reply) => {
                reply.as_mut().poll(cx).map(|reply| reply.to(method))
            }
        }
    }
}

impl fmt::Debug for Respond {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Progress::Ready(_) => "Respond(ready)",
            Progress::Waiting(..) => "Respond(waiting)",
        })
    }
}
