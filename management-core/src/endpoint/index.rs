//! The page at the prefix itself: links to the other endpoints, as Actuator has them.

use http::StatusCode;
use http::request::Parts;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::actuator::Version;
use super::base_url::base_url;
use super::json::to_bytes;
use super::reply::{Content, Reply};
use super::{Endpoint, Respond, Route, negotiate};

/// Each link and its path under the prefix. A selector of Actuator is behind the name of its endpoint.
const LINKS: &[(&str, &str, Route)] = &[
    ("self", "", Route::Index),
    ("health", "/health", Route::Health),
    ("health-path", "/health/{*path}", Route::Named),
    ("info", "/info", Route::Info),
    ("metrics", "/metrics", Route::Metrics),
    ("metrics-requiredMetricName", "/metrics/{requiredMetricName}", Route::Metric),
    #[cfg(feature = "prometheus")]
    ("prometheus", "/prometheus", Route::Prometheus),
    ("scheduledtasks", "/scheduledtasks", Route::ScheduledTasks),
    ("version", "/version", Route::Version),
];

impl Endpoint {
    /// Always of one of Actuator's types, by which Spring Boot Admin recognizes it.
    pub(super) fn index(&self, request: &Parts) -> Respond {
        let base = base_url(request, &self.shared.management.inner().exposure);
        let links = Links(
            LINKS
                .iter()
                .filter(|&&(.., route)| self.is_enabled(route))
                .map(|&(name, path, _)| {
                    (name, Link { href: format!("{base}{path}"), templated: path.contains('{') })
                })
                .collect(),
        );
        let content = match negotiate::content(&request.headers) {
            actuator @ Content::Actuator(_) => actuator,
            _ => Content::Actuator(Version::V3),
        };
        let reply = Reply::new(StatusCode::OK, content, to_bytes(&Index { _links: links }));
        Respond::ready(reply.to(&request.method))
    }
}

#[derive(serde::Serialize)]
struct Index {
    _links: Links,
}

/// Links by their names, in the order of the table.
struct Links(Vec<(&'static str, Link)>);

#[derive(serde::Serialize)]
struct Link {
    href: String,
    templated: bool,
}

impl Serialize for Links {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, link) in &self.0 {
            map.serialize_entry(name, link)?;
        }
        map.end()
    }
}
