//! Other services that this one needs, asked over HTTP.

#[cfg(feature = "dependencies")]
mod body;
#[cfg(feature = "dependencies")]
pub(crate) mod client;
#[cfg(feature = "dependencies")]
pub(crate) mod resolver;
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
use crate::check::settings::{Settings, duration};

/// Tells a service that it is asked by another one, and not by a prober. It then answers from its own
/// checks alone, so that services that need each other in a circle come to an end.
pub(crate) const CASCADE: &str = "management-cascade";

/// How much of an answer is read, in bytes, after it has been decompressed.
#[cfg(feature = "dependencies")]
const LONGEST_BODY: usize = 64 * 1024;

/// A service that this one needs: where its health is, and how it is asked.
///
/// What is not set is taken from the [`Builder`](crate::Builder), and then from the defaults that are
/// told here.
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
    /// Whether readiness asks it, too.
    pub(crate) readiness: bool,
    /// Where the program gave it; nothing for one from configuration.
    pub(crate) origin: Option<Origin>,
}

impl Dependency {
    /// A dependency with this URL, or host, or `host:port`, or `host:port/path`.
    ///
    /// What has a path is asked there. What has none is taken for a service like this one, and asked at
    /// `/health` under the own prefix. Without a scheme, it is `preferred_url_scheme`.
    pub fn new(url: impl Into<String>) -> Self {
        Dependency {
            url: url.into(),
            settings: Settings::new(),
            headers: Vec::new(),
            readiness: false,
            origin: None,
        }
    }

    /// Adds a header to each request. Its value is shown nowhere.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Lets readiness ask it, too, at its URL followed by `/readiness`. Defaults to asking it for
    /// `/health` alone.
    ///
    /// Readiness then takes this service out of work together with the other one, and with every service
    /// that needs it. If this service can answer anything without the other one, leave it out. Liveness
    /// and startup cannot ask other services: a restart of this service repairs no other one, and services
    /// that start together would wait for each other.
    pub fn readiness(mut self) -> Self {
        self.readiness = true;
        self
    }

    /// The deadline of one exchange, from looking up the name to the last byte. Defaults to 2 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = Some(timeout);
        self
    }

    /// For how long a result is served again. Defaults to 5 s.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.settings.ttl = Some(ttl);
        self
    }

    /// Asks in the background, this long after the end of the exchange before; requests only read. Not
    /// together with [`ttl`](Self::ttl).
    pub fn interval(mut self, interval: Duration) -> Self {
        self.settings.interval = Some(interval);
        self
    }

    /// For how long a result may be shown while a newer one is due. Defaults as a check's.
    pub fn valid_for(mut self, valid_for: Duration) -> Self {
        self.settings.valid_for = Some(valid_for);
        self
    }

    /// Whether its failure fails the whole, or only degrades it. Defaults to `true`.
    pub fn critical(mut self, critical: bool) -> Self {
        self.settings.critical = Some(critical);
        self
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

/// A URL alone, or a map with `url` and the names of the setters as keys.
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
            valid_for: Option<Duration>,
            critical: Option<bool>,
            #[serde(default)]
            readiness: bool,
            #[serde(default, deserialize_with = "headers")]
            headers: BTreeMap<String, String>,
        }

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
                let Keys { url, timeout, ttl, interval, valid_for, critical, readiness, headers } =
                    keys;
                let settings = Settings { timeout, ttl, interval, valid_for, critical };
                let headers = headers.into_iter().collect();
                Ok(Dependency { url, settings, headers, readiness, origin: None })
            }
        }
        deserializer.deserialize_any(UrlOrMap)
    }
}

/// Names and values. What is wrong with them is told without the values, since they may be secret.
fn headers<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    let Value::Object(headers) = Value::deserialize(deserializer)? else {
        return Err(D::Error::custom("the headers are no map of names and values"));
    };
    let text = |(name, value)| match value {
        Value::String(value) => Ok((name, value)),
        _ => Err(D::Error::custom(format_args!("the value of the header `{name}` is no text"))),
    };
    headers.into_iter().map(text).collect()
}
