//! From a request to a response, in the types of the `http` crate.
//!
//! A web framework needs an adapter of a page: mount every path of [`Endpoint::paths`], and answer
//! what arrives there with [`Endpoint::respond`]. `management-axum` is one.
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

mod identity;
mod json;
mod kept;
mod query;
mod reply;
mod routes;

use std::collections::BTreeSet;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Response, StatusCode};

use crate::management::Management;
use crate::report::{Answered, Pending, Question};
use crate::status::Status;
use kept::Kept;
use query::Query;
use reply::{Content, Reply};
pub use routes::Route;

/// The endpoints of one [`Management`]. Cheap to clone.
#[derive(Clone)]
pub struct Endpoint {
    shared: Arc<Shared>,
}

struct Shared {
    management: Management,
    kept: Kept,
}

impl Endpoint {
    /// The endpoints of this management.
    pub fn new(management: &Management) -> Self {
        let shared = Shared { management: management.clone(), kept: Kept::default() };
        Endpoint { shared: Arc::new(shared) }
    }

    /// Each path, with the prefix and with `{name}` for one segment, and its route. Every path is
    /// also meant with a slash at its end.
    pub fn paths(&self) -> impl Iterator<Item = (String, Route)> {
        let prefix = &self.shared.management.inner().exposure.prefix;
        routes::ROUTES.iter().map(move |&(path, route)| (format!("{prefix}{path}"), route))
    }

    /// The response to a request that arrived at a route.
    ///
    /// For [`Route::Named`], the last segment of the request's path is the name.
    pub fn respond(&self, route: Route, request: &Parts) -> Respond {
        let method = &request.method;
        if !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
            return Respond::ready(Reply::method_not_allowed().to(method));
        }
        let management = &self.shared.management;
        management.wake();
        match route {
            Route::Health => self.question(Question::Health, request),
            Route::Liveness => self.question(Question::Liveness, request),
            Route::Readiness => self.question(Question::Readiness, request),
            Route::Startup => self.question(Question::Startup, request),
            Route::Named => self.named(request),
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

    fn question(&self, question: Question, request: &Parts) -> Respond {
        let management = &self.shared.management;
        let method = &request.method;
        let details = management.inner().exposure.show_details.to(request);
        let Some(query) = request.uri.query() else {
            let epoch = management.inner().signals.epoch();
            if let Some(reply) = self.shared.kept.get(question, details, epoch) {
                return Respond::ready(reply.to(method));
            }
            let pending = management.ask(question, &BTreeSet::new());
            let verbose = question == Question::Health;
            return match pending.now() {
                Ok(answered) => {
                    management.note(question, &answered);
                    let reply = judged(management, question, &answered, verbose, details);
                    self.shared.kept.put(question, details, epoch, answered.until, &reply);
                    Respond::ready(reply.to(method))
                }
                Err(pending) => {
                    let management = management.clone();
                    Respond::later(method, async move {
                        let answered = pending.wait().await;
                        management.note(question, &answered);
                        judged(&management, question, &answered, verbose, details)
                    })
                }
            };
        };
        let Query { verbose, left_out } = Query::parse(query);
        let verbose = verbose || question == Question::Health;
        let pending = management.ask(question, &left_out);
        let management = management.clone();
        Respond::later(method, async move {
            let answered = settle(pending).await;
            if left_out.is_empty() {
                management.note(question, &answered);
            }
            judged(&management, question, &answered, verbose, details)
        })
    }

    fn named(&self, request: &Parts) -> Respond {
        let method = &request.method;
        let Some(name) = routes::name_in(request.uri.path()) else {
            return Respond::ready(Reply::not_found().to(method));
        };
        if let Some(probe) = routes::probe(&name) {
            return self.respond(probe, request);
        }
        let management = self.shared.management.clone();
        let Some(slot) = management.find(&name) else {
            return Respond::ready(Reply::not_found().to(method));
        };
        let details = management.inner().exposure.show_details.to(request);
        let pending = management.ask_one(&slot);
        Respond::later(method, async move {
            let answered = settle(pending).await;
            let Some(component) = answered.report.components().first() else {
                return Reply::not_found();
            };
            let code = management.inner().exposure.codes.of(component.status());
            let body = json::component(component, details);
            Reply { code, content: Content::Json, body }
        })
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("management", &self.shared.management).finish()
    }
}

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

async fn settle(pending: Pending) -> Answered {
    match pending.now() {
        Ok(answered) => answered,
        Err(pending) => pending.wait().await,
    }
}

/// The body and the code of a question's answer.
fn judged(
    management: &Management,
    question: Question,
    answered: &Answered,
    verbose: bool,
    details: bool,
) -> Reply {
    let report = &answered.report;
    let status = report.status();
    // Not to know, or not to want requests, must not restart a pod.
    let code = if question == Question::Liveness && status != Status::Down {
        StatusCode::OK
    } else {
        management.inner().exposure.codes.of(status)
    };
    let body = if verbose { json::report(report, details) } else { json::status(status) };
    Reply { code, content: Content::Json, body }
}
