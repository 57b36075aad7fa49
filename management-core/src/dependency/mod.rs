//! Checks that ask other services over HTTP.
//!
//! In: a URL and its settings. Out: a [`Health`](crate::Health) for each exchange. It does not know how an answer shows the
//! result.

#[cfg(feature = "dependencies")]
mod body;
#[cfg(feature = "dependencies")]
pub(crate) mod client;
#[cfg(feature = "dependencies")]
pub(crate) mod page;
#[cfg(feature = "dependencies")]
pub(crate) mod resolver;
#[cfg(feature = "dependencies")]
pub(crate) mod tls;
#[cfg(feature = "dependencies")]
pub(crate) mod url;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::Value;

use crate::check::origin::Origin;
use crate::check::settings::{
    Settings, SettingsFields as _, count, duration, setters, settings_fields,
};

/// The header of requests from other services. A service answers such a request only from its own checks, so that
/// services that need each other in a circle do not ask each other endlessly.
pub(crate) const CASCADE: &str = "management-cascade";

/// The maximum length of an answer after decompression.
#[cfg(feature = "dependencies")]
const MAX_BODY_BYTES: usize = 64 * 1024;

/// The longest deadline of an exchange, which can be added to any clock.
#[cfg(feature = "dependencies")]
pub(crate) const MAX_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

/// A service that this one needs: its URL, and how it is asked.
///
/// A value that is not set here is that of the [`Builder`](crate::Builder), or else the default.
///
/// ```
/// use std::time::Duration;
/// use management_core::Dependency;
///
/// let users = Dependency::new("https://user-service:9922/admin/health")
///     .header("authorization", "Bearer 7f3a")
///     .timeout(Duration::from_secs(1))
///     .critical(false);
/// assert!(!format!("{users:?}").contains("7f3a"));
/// ```
#[derive(Clone, PartialEq)]
#[must_use = "a dependency does nothing until it is given to a builder"]
pub struct Dependency {
    pub(crate) url: String,
    pub(crate) settings: Settings,
    pub(crate) headers: Vec<(String, String)>,
    /// Whether readiness asks it as well.
    pub(crate) readiness: bool,
    /// The place in the program. `None` for a dependency from configuration.
    pub(crate) origin: Option<Origin>,
}

impl Dependency {
    /// Makes a dependency from a URL, a host, `host:port` or `host:port/path`.
    ///
    /// A dependency with a path is asked at that path. One without a path is taken for a service like this one, and is
    /// asked at `/health` under the prefix of this service. The default scheme is
    /// [`Config::preferred_url_scheme`](crate::Config::preferred_url_scheme).
    pub fn new(url: impl Into<String>) -> Self {
        Dependency {
            url: url.into(),
            settings: Settings::new(),
            headers: Vec::new(),
            readiness: false,
            origin: None,
        }
    }

    /// Adds a header to each request. Its value is never shown or logged.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Makes the dependency part of readiness, which asks it at its URL followed by `/readiness`. By default, it is only
    /// part of `/health`.
    ///
    /// If the dependency is not ready, this service stops receiving requests, and so does every service that depends on
    /// this one in the same way. Do not set this if the service can answer any request without the dependency. Liveness
    /// and startup cannot ask other services: a restart of this service does not repair another one, and services that
    /// start together would wait for each other.
    pub fn readiness(mut self) -> Self {
        self.readiness = true;
        self
    }

    setters! { self, self.settings;
        /// The deadline of one exchange, from looking up the name to the last byte. Defaults to 2 s.
        timeout: Duration,
        /// How long a result is reused, or at most 1 s if it is a failure. Defaults to 5 s.
        ttl: Duration,
        /// Asks in the background, this long after the end of the previous exchange. Requests only read the last result.
        /// Cannot be combined with [`ttl`](Self::ttl). Defaults to none.
        interval: Duration,
        /// How long after a failed exchange the next one begins, in place of [`interval`](Self::interval). Needs an
        /// interval, and cannot be longer. Defaults to `interval`.
        retry: Duration,
        /// The maximum age of a result while a newer one is due. Defaults to the longer of 60 s and twice `ttl` or
        /// `interval` plus `timeout`.
        valid_for: Duration,
        /// Whether a failure of the dependency fails the whole, or only degrades it. Defaults to `true`.
        critical: bool,
        /// How many exchanges in a row must fail until the dependency counts as failed. Until then it is `DEGRADED`. A
        /// dependency that has never succeeded fails at once. A success resets the count. Defaults to 1.
        fail_after: u32,
    }
}

impl From<&str> for Dependency {
    fn from(url: &str) -> Self {
        Dependency::new(url)
    }
}

impl From<String> for Dependency {
    fn from(url: String) -> Self {
        Dependency::new(url)
    }
}

impl fmt::Debug for Dependency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Dependency")
            .field("url", &crate::text::quoted_url(&self.url))
            .field("settings", &self.settings)
            .field("headers", &headers)
            .finish_non_exhaustive()
    }
}

/// A URL, or a map whose keys are `url` and the names of the setters.
impl<'de> Deserialize<'de> for Dependency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Keys {
            url: String,
            #[serde(default, deserialize_with = "duration")]
            timeout: Option<Duration>,
            #[serde(default, deserialize_with = "duration")]
            ttl: Option<Duration>,
            #[serde(default, deserialize_with = "duration")]
            interval: Option<Duration>,
            #[serde(default, deserialize_with = "duration")]
            retry: Option<Duration>,
            #[serde(default, deserialize_with = "duration")]
            valid_for: Option<Duration>,
            critical: Option<bool>,
            #[serde(default, deserialize_with = "count")]
            fail_after: Option<u32>,
            #[serde(default)]
            readiness: bool,
            #[serde(default, deserialize_with = "headers")]
            headers: BTreeMap<String, String>,
        }
        settings_fields!(Keys);

        struct UrlOrMap;
        impl<'de> Visitor<'de> for UrlOrMap {
            type Value = Dependency;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a URL, or a map with a `url`")
            }

            fn visit_str<E>(self, url: &str) -> Result<Dependency, E> {
                Ok(Dependency::new(url))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Dependency, A::Error> {
                let keys = Keys::deserialize(MapAccessDeserializer::new(map))?;
                let settings = keys.settings();
                let Keys { url, readiness, headers, .. } = keys;
                let headers = headers.into_iter().collect();
                Ok(Dependency { url, settings, headers, readiness, origin: None })
            }
        }
        deserializer.deserialize_any(UrlOrMap)
    }
}

/// Deserializes headers. Errors do not contain the values, which may be secret.
fn headers<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    let Value::Object(headers) = Value::deserialize(deserializer)? else {
        return Err(D::Error::custom(
            "the headers are not a map: write them like {\"authorization\": \"Bearer 7f3a\"}",
        ));
    };
    let text = |(name, value)| match value {
        Value::String(value) => Ok((name, value)),
        _ => Err(D::Error::custom(format_args!(
            "the value of the header `{name}` is not a string: put it in quotes"
        ))),
    };
    headers.into_iter().map(text).collect()
}
