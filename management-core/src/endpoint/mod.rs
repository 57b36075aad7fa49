//! How to support another web framework: from requests to responses, in the types of the `http` crate.
//!
//! An adapter mounts every path of [`Endpoint::paths`], or asks [`Endpoint::route`] for each request, and answers
//! what arrives there with [`Endpoint::respond`]. `management-axum` is such an adapter. An adapter that also runs the server needs
//! [`lifecycle`](crate::lifecycle).
//!
//! In: a route and the head of a request. Out: a response whose body is complete. It does not know sockets,
//! servers or web frameworks, nor how checks are run.
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

mod actuator;
#[cfg(feature = "actuator")]
mod base_url;
mod cache;
#[cfg(feature = "prometheus")]
mod exposition;
mod health;
mod health_json;
#[cfg(feature = "actuator")]
mod index;
mod info;
mod json;
mod lines;
#[cfg(feature = "actuator")]
mod metric;
#[cfg(feature = "prometheus")]
mod metrics;
mod mounted_at;
mod negotiate;
mod prober;
mod query;
mod reply;
mod routes;
#[cfg(feature = "actuator")]
mod scheduled_tasks;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Response};

use crate::check::probe::Probe;
pub use crate::config::route::Route;
use crate::management::Management;
#[cfg(feature = "prometheus")]
use crate::metrics::format::Format;
use cache::AnswerCache;
pub use mounted_at::MountedAt;
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
    is_on_management_port: bool,
    cache: AnswerCache,
    advice: Advice,
}

impl Drop for Shared {
    fn drop(&mut self) {
        let inner = self.management.inner();
        inner.endpoints.fetch_sub(1, Ordering::Relaxed);
        if self.is_on_management_port {
            inner.endpoints_on_management_port.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Endpoint {
    /// The endpoints of this management, for the application's own server.
    pub fn new(management: &Management) -> Self {
        Endpoint::at(management, false)
    }

    /// The endpoints of this management, for a listener that only those can reach who operate the service. They are
    /// shown what [`ShowDetails::on_management_port`](crate::ShowDetails::on_management_port) allows.
    pub fn on_management_port(management: &Management) -> Self {
        Endpoint::at(management, true)
    }

    fn is_on_management_port(&self) -> bool {
        self.shared.is_on_management_port
    }

    fn at(management: &Management, is_on_management_port: bool) -> Self {
        management.inner().endpoints.fetch_add(1, Ordering::Relaxed);
        if is_on_management_port {
            management.inner().endpoints_on_management_port.fetch_add(1, Ordering::Relaxed);
        }
        let shared = Shared {
            management: management.clone(),
            is_on_management_port,
            cache: AnswerCache::default(),
            advice: Advice::default(),
        };
        Endpoint { shared: Arc::new(shared) }
    }

    /// Each path and its route. `{name}` stands for one segment.
    ///
    /// The paths begin with the prefix, except those of
    /// [`Builder::kubernetes_paths`](crate::Builder::kubernetes_paths). Mount each path also with a slash at
    /// its end. An application may mount all of them under a path of its own.
    pub fn paths(&self) -> impl Iterator<Item = (String, Route)> {
        let prefix = &self.shared.management.inner().exposure.prefix;
        let prefixed = move |&(path, route): &(&str, _)| (format!("{prefix}{path}"), route);
        let kubernetes = routes::KUBERNETES.iter().map(|&(path, route)| (path.to_owned(), route));
        let all = routes::ROUTES.iter().map(prefixed).chain(kubernetes);
        all.filter(|&(_, route)| self.is_enabled(route))
    }

    /// The route of a path, for a server without a router of its own. A slash at the end is ignored.
    ///
    /// ```
    /// use management_core::Management;
    /// use management_core::endpoint::{Endpoint, Route};
    ///
    /// let endpoint = Endpoint::new(&Management::new()?);
    /// assert_eq!(endpoint.route("/z/health/ping"), Some(Route::Liveness));
    /// assert_eq!(endpoint.route("/z/health/db/"), Some(Route::Named));
    /// assert_eq!(endpoint.route("/z/health/db/pool"), None);
    /// # Ok::<_, management_core::Error>(())
    /// ```
    pub fn route(&self, path: &str) -> Option<Route> {
        let path = path.strip_suffix('/').unwrap_or(path);
        let prefix = &*self.shared.management.inner().exposure.prefix;
        let prefixed =
            path.strip_prefix(prefix).and_then(|path| routes::find(routes::ROUTES, path));
        let route = prefixed.or_else(|| routes::find(&routes::KUBERNETES, path));
        route.filter(|&route| self.is_enabled(route))
    }

    fn is_enabled(&self, route: Route) -> bool {
        let exposure = &self.shared.management.inner().exposure;
        #[cfg(feature = "actuator")]
        if route == Route::Index && !self.has_index() {
            return false;
        }
        let is_off = |route| exposure.switched_off.contains(&route);
        let is_known = exposure.kubernetes_paths || !route.is_kubernetes();
        is_known && !is_off(route) && !is_off(route.parent())
    }

    /// Whether the prefix itself is a path of its own: the root belongs to the application, and Kubernetes' paths are older.
    #[cfg(feature = "actuator")]
    fn has_index(&self) -> bool {
        let exposure = &self.shared.management.inner().exposure;
        let is_taken = |(path, _): &(&str, _)| *path == exposure.prefix;
        let is_kubernetes = exposure.kubernetes_paths && routes::KUBERNETES.iter().any(is_taken);
        !exposure.prefix.is_empty() && !is_kubernetes
    }

    /// The response to a request for a route.
    ///
    /// For [`Route::Named`] and the routes whose names end with `Check`, the last segment of the request's
    /// path is the name of the check or group.
    pub fn respond(&self, route: Route, request: &Parts) -> Respond {
        let method = &request.method;
        if !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
            return Respond::ready(Reply::method_not_allowed().to(method));
        }
        if !self.is_enabled(route) {
            return Respond::ready(Reply::not_found().to(method));
        }
        let management = &self.shared.management;
        management.wake();
        let groups = management.groups();
        match route {
            Route::Health => self.group(groups.health(), request),
            Route::Liveness => self.group(groups.probe(Probe::Liveness), request),
            Route::Readiness => self.group(groups.probe(Probe::Readiness), request),
            Route::Startup => self.group(groups.probe(Probe::Startup), request),
            Route::Named => self.named(request),
            Route::Livez => self.kubernetes("livez", groups.probe(Probe::Liveness), request),
            Route::Readyz => self.kubernetes("readyz", groups.probe(Probe::Readiness), request),
            Route::Startupz => self.kubernetes("startupz", groups.probe(Probe::Startup), request),
            Route::Healthz => self.kubernetes("healthz", groups.health(), request),
            Route::LivezCheck => self.kubernetes_check(groups.probe(Probe::Liveness), request),
            Route::ReadyzCheck => self.kubernetes_check(groups.probe(Probe::Readiness), request),
            Route::StartupzCheck => self.kubernetes_check(groups.probe(Probe::Startup), request),
            Route::HealthzCheck => self.kubernetes_check(groups.health(), request),
            Route::Info => {
                let management = management.clone();
                let content = negotiate::json_content(&request.headers);
                Respond::later(method, async move { info::info(&management, content).await })
            }
            Route::Version => {
                let management = management.clone();
                Respond::later(method, async move { info::version(&management).await })
            }
            #[cfg(any(feature = "actuator", feature = "prometheus"))]
            Route::Metrics => self.metrics(request),
            #[cfg(feature = "prometheus")]
            Route::Prometheus => self.exposition(Format::Text, method),
            #[cfg(feature = "actuator")]
            Route::Metric => self.metric(request),
            #[cfg(feature = "actuator")]
            Route::ScheduledTasks => self.scheduled_tasks(request),
            #[cfg(feature = "actuator")]
            Route::Index => self.index(request),
        }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("management", &self.shared.management).finish()
    }
}

/// A response that may have to wait for checks. Dropping it does not cancel them.
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
