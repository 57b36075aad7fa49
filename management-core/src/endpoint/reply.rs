//! From a code and a body to a response.

use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};

use super::actuator::Version;
use super::json;
use crate::config::dialect::Spoken;

// Constants, so that the compiler validates their bytes, and not each request.
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const ACCEPT: HeaderValue = HeaderValue::from_static("Accept");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const ACTUATOR_V3: HeaderValue =
    HeaderValue::from_static("application/vnd.spring-boot.actuator.v3+json");
const ACTUATOR_V2: HeaderValue =
    HeaderValue::from_static("application/vnd.spring-boot.actuator.v2+json");
const HEALTH_JSON: HeaderValue = HeaderValue::from_static("application/health+json");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
#[cfg(feature = "prometheus")]
const EXPOSITION: HeaderValue =
    HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
#[cfg(feature = "prometheus")]
const OPENMETRICS: HeaderValue = HeaderValue::from_static(
    "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores",
);
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");

const ENVOY_DEGRADED: HeaderName = HeaderName::from_static("x-envoy-degraded");
const ENVOY_FAILS_AT_ONCE: HeaderName =
    HeaderName::from_static("x-envoy-immediate-health-check-fail");

/// The kind of a body.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Content {
    Json,
    /// As Spring Boot's Actuator has it.
    Actuator(Version),
    /// As of draft-inadarei-api-health-check-06.
    HealthJson,
    /// A line for each check.
    Lines,
    /// A version.
    Text,
    /// Metrics in Prometheus' own text.
    #[cfg(feature = "prometheus")]
    Exposition,
    #[cfg(feature = "prometheus")]
    OpenMetrics,
    Problem,
}

impl Content {
    fn media_type(self) -> HeaderValue {
        match self {
            Content::Json => JSON,
            Content::Actuator(Version::V3) => ACTUATOR_V3,
            Content::Actuator(Version::V2) => ACTUATOR_V2,
            Content::HealthJson => HEALTH_JSON,
            Content::Lines | Content::Text => TEXT,
            #[cfg(feature = "prometheus")]
            Content::Exposition => EXPOSITION,
            #[cfg(feature = "prometheus")]
            Content::OpenMetrics => OPENMETRICS,
            Content::Problem => PROBLEM,
        }
    }

    /// Whether the client's `Accept` decides it.
    fn is_negotiated(self) -> bool {
        !matches!(self, Content::Text | Content::Problem)
    }
}

/// A code and a body, whatever the method of the request.
pub(super) struct Reply {
    pub(super) code: StatusCode,
    pub(super) content: Content,
    pub(super) body: Bytes,
    /// What dialects add to it.
    spoken: Spoken,
}

impl Reply {
    pub(super) fn new(code: StatusCode, content: Content, body: Bytes) -> Self {
        Reply { code, content, body, spoken: Spoken::default() }
    }

    /// With the headers of dialects.
    pub(super) fn spoken(self, spoken: Spoken) -> Self {
        Reply { spoken, ..self }
    }

    pub(super) fn problem(code: StatusCode, detail: &str) -> Self {
        Reply::new(code, Content::Problem, json::problem(code, detail))
    }

    pub(super) fn not_found() -> Self {
        Reply::problem(StatusCode::NOT_FOUND, "no check, group or probe has this name")
    }

    pub(super) fn method_not_allowed() -> Self {
        let detail = "management endpoints answer GET, HEAD and OPTIONS";
        Reply::problem(StatusCode::METHOD_NOT_ALLOWED, detail)
    }

    /// The response to a request of this method.
    ///
    /// An `OPTIONS` request gets the code of a `GET`, since HAProxy's health check is one.
    pub(super) fn to(self, method: &Method) -> Response<Bytes> {
        let mut headers = HeaderMap::with_capacity(4);
        headers.insert(CONTENT_TYPE, self.content.media_type());
        // A cache would serve outdated health.
        headers.insert(CACHE_CONTROL, NO_STORE);
        if self.content.is_negotiated() {
            headers.insert(VARY, ACCEPT);
        }
        if let Content::Lines = self.content {
            // As the Kubernetes API server does, so that a name is never taken for markup.
            headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
        }
        if self.spoken.envoy_degraded {
            headers.insert(ENVOY_DEGRADED, HeaderValue::from_static("true"));
        }
        if self.spoken.envoy_fails_at_once {
            headers.insert(ENVOY_FAILS_AT_ONCE, HeaderValue::from_static("true"));
        }
        let mut body = self.body;
        if *method == Method::HEAD {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
            body = Bytes::new();
        } else if *method == Method::OPTIONS {
            headers.insert(ALLOW, METHODS);
            body = Bytes::new();
        } else if self.code == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(ALLOW, METHODS);
        }
        let mut response = Response::new(body);
        *response.status_mut() = self.code;
        *response.headers_mut() = headers;
        response
    }
}
