//! Metrics as Actuator has them: `/metrics` as a list of names, and `/metrics/{name}`.

use bytes::Bytes;
use http::request::Parts;
use http::{Method, StatusCode};
use serde::Serialize;

use super::json::to_bytes;
use super::reply::{Content, Reply};
use super::{Endpoint, Respond, negotiate, routes};
use crate::metrics::actuator;

#[derive(Serialize)]
struct Names {
    names: Vec<&'static str>,
}

impl Endpoint {
    /// The names, since there is no text to choose.
    #[cfg(not(feature = "prometheus"))]
    pub(super) fn metrics(&self, request: &Parts) -> Respond {
        self.metric_names(negotiate::json_content(&request.headers), &request.method)
    }

    pub(super) fn metric_names(&self, content: Content, method: &Method) -> Respond {
        let source = self.shared.management.inner().source();
        let body = to_bytes(&Names { names: actuator::names(&source) });
        Respond::ready(ok(content, body).to(method))
    }

    /// One metric, of which the query selects samples: `?tag=check:db&tag=state:up`.
    pub(super) fn metric(&self, request: &Parts) -> Respond {
        let query = request.uri.query().unwrap_or_default();
        let tags: Vec<_> = form_urlencoded::parse(query.as_bytes())
            .filter(|(key, _)| key == "tag")
            .map(|(_, tag)| tag.into_owned())
            .collect();
        let tags: Option<Vec<_>> = tags.iter().map(|tag| tag.split_once(':')).collect();
        let reply = match tags {
            None => {
                let why = "a tag has the form `key:value`, as in `?tag=check:db`";
                Reply::problem(StatusCode::BAD_REQUEST, why)
            }
            Some(tags) => {
                let source = self.shared.management.inner().source();
                let name = routes::name_in(request.uri.path());
                match name.and_then(|name| actuator::metric(&source, &name, &tags)) {
                    Some(metric) => {
                        ok(negotiate::json_content(&request.headers), to_bytes(&metric))
                    }
                    None => {
                        let why =
                            "no metric has this name and these tags; /metrics lists the names";
                        Reply::problem(StatusCode::NOT_FOUND, why)
                    }
                }
            }
        };
        Respond::ready(reply.to(&request.method))
    }
}

fn ok(content: Content, body: Bytes) -> Reply {
    Reply::new(StatusCode::OK, content, body)
}
