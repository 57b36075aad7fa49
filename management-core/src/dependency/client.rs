//! One HTTP client for all dependencies.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION};
use reqwest::redirect::Policy;
use tokio::time::timeout;

use super::body::{self, Body};
use super::resolver::Resolver;
use super::tls::{self, Options};
use super::{CASCADE, MAX_BODY_BYTES};
use crate::check::health::Health;
use crate::check::status::Status;
use crate::text;

/// How long the client waits for the body of an answer that is not 200.
pub(super) const FAILURE_BODY_TIMEOUT: Duration = Duration::from_millis(200);

const USER_AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

/// The known media types, in order of preference.
const ACCEPTED: HeaderValue = HeaderValue::from_static(
    "application/json, application/vnd.spring-boot.actuator.v3+json;q=0.9, \
     application/health+json;q=0.8, text/plain;q=0.5, */*;q=0.1",
);

/// Makes one client for each deadline. The connect timeout depends on the deadline, and reqwest only has one for a whole
/// client.
pub(crate) struct Clients {
    tls: rustls::ClientConfig,
    resolver: Arc<Resolver>,
    environment_proxies: bool,
    made: BTreeMap<Duration, Client>,
}

impl Clients {
    pub(crate) fn new(options: &Options<'_>) -> Result<Self, String> {
        Clients::resolving(options, Resolver::default())
    }

    pub(crate) fn resolving(options: &Options<'_>, resolver: Resolver) -> Result<Self, String> {
        Ok(Clients {
            tls: tls::config(options)?,
            resolver: Arc::new(resolver),
            environment_proxies: options.environment_proxies,
            made: BTreeMap::new(),
        })
    }

    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.made.len()
    }

    /// The client for exchanges with this deadline.
    pub(crate) fn within(&mut self, timeout: Duration) -> Result<Client, String> {
        if let Some(client) = self.made.get(&timeout) {
            return Ok(client.clone());
        }
        // A quarter of the deadline remains for the answer. With the default of two seconds, TCP can still repeat a lost
        // packet, which it does after one second.
        let mut client = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .redirect(Policy::none())
            .referer(false)
            .connect_timeout(timeout.mul_f64(0.75))
            .dns_resolver(Arc::clone(&self.resolver))
            .tls_backend_preconfigured(self.tls.clone());
        if !self.environment_proxies {
            client = client.no_proxy();
        }
        let client = client.build().map(Client).map_err(|error| describe(&error))?;
        self.made.insert(timeout, client.clone());
        Ok(client)
    }
}

/// A client. It is cheap to clone, and all clones share their connections.
#[derive(Clone)]
pub(crate) struct Client(reqwest::Client);

impl Client {
    /// Asks the dependency once for its health.
    pub(crate) async fn ask(&self, url: &reqwest::Url, headers: &HeaderMap) -> Health {
        match self.exchange(url, headers).await {
            Ok(health) => health,
            Err(why) => Health::down(why),
        }
    }

    async fn exchange(&self, url: &reqwest::Url, headers: &HeaderMap) -> Result<Health, String> {
        let response = self.get(url, headers).await?;
        if let Some(why) = redirect(&response) {
            return Err(why);
        }
        let code = response.status();
        let body = read_body(response);
        if code == reqwest::StatusCode::OK {
            return Ok(health(code, body.await));
        }
        // The code is reason enough. Without this timeout, a late body would replace it by that of the deadline.
        let body = timeout(FAILURE_BODY_TIMEOUT, body).await;
        Ok(health(code, body.unwrap_or_else(|_| Err("its body is late".into()))))
    }

    /// The head of the answer.
    pub(super) async fn get(
        &self,
        url: &reqwest::Url,
        headers: &HeaderMap,
    ) -> Result<reqwest::Response, String> {
        let response = match self.send(url, headers).await {
            // The server may have closed a kept connection while the request was on its way.
            Err(error) if is_closed(&error) => self.send(url, headers).await,
            sent => sent,
        };
        response.map_err(|error| describe(&error))
    }

    async fn send(
        &self,
        url: &reqwest::Url,
        headers: &HeaderMap,
    ) -> reqwest::Result<reqwest::Response> {
        let mut all = HeaderMap::with_capacity(headers.len() + 2);
        all.insert(ACCEPT, ACCEPTED);
        all.extend(headers.clone());
        all.insert(CASCADE, HeaderValue::from_static("1"));
        self.0.get(url.clone()).headers(all).send().await
    }
}

/// Why an answer that redirects is a failure; `None` if it does not redirect.
pub(super) fn redirect(response: &reqwest::Response) -> Option<String> {
    let code = response.status();
    let redirects = code.is_redirection() && response.headers().contains_key(LOCATION);
    redirects.then(|| {
        format!(
            "answered {}, but redirects are not followed: configure the URL to which it redirects",
            code.as_u16()
        )
    })
}

/// Refuses the encodings of a body that the client cannot decode.
pub(super) fn check_encoding(response: &reqwest::Response) -> Result<(), String> {
    // The request accepts no other encoding.
    let encodings = response.headers().get_all(CONTENT_ENCODING).iter();
    for encoding in encodings.map(|encoding| String::from_utf8_lossy(encoding.as_bytes())) {
        if !encoding.trim().is_empty() && !encoding.trim().eq_ignore_ascii_case("identity") {
            let encoding = text::verbatim(encoding);
            return Err(format!(
                "its answer has the encoding `{encoding}`, which the request does not accept"
            ));
        }
    }
    Ok(())
}

/// Reads the body of an answer.
async fn read_body(mut response: reqwest::Response) -> Result<Body, String> {
    check_encoding(&response)?;
    let media_type = response
        .headers()
        .get(CONTENT_TYPE)
        .map(|media_type| String::from_utf8_lossy(media_type.as_bytes()).into_owned());
    let mut read = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| describe(&error))? {
        if read.len() + chunk.len() > MAX_BODY_BYTES {
            return Err(format!("its answer is longer than {} KiB", MAX_BODY_BYTES / 1024));
        }
        read.extend_from_slice(&chunk);
    }
    body::read(media_type.as_deref(), &read)
}

/// The health of a dependency. It is `UP` if the code is 200 and the body has that status.
fn health(code: reqwest::StatusCode, body: Result<Body, String>) -> Health {
    let status = |word: Option<String>| match word {
        Some(word) => format!("status {word}"),
        None => "an unknown status".into(),
    };
    if code != reqwest::StatusCode::OK {
        let answered = format!("answered {}", code.as_u16());
        return match body {
            Ok(Body { word, components, .. }) => {
                let reason = format_args!("{answered} with {}", status(word)).to_string();
                Health::down(reason).with_components(components)
            }
            Err(_) => Health::down(answered),
        };
    }
    match body {
        Ok(Body { status: Status::Up, components, .. }) => Health::up().with_components(components),
        Ok(Body { status: Status::Degraded, word, components }) => {
            Health::degraded(format!("reports {}", status(word))).with_components(components)
        }
        Ok(Body { word, components, .. }) => {
            Health::down(format!("reports {}", status(word))).with_components(components)
        }
        Err(why) => Health::down(why),
    }
}

/// Whether the connection ended before an answer began.
fn is_closed(error: &reqwest::Error) -> bool {
    let mut cause: Option<&dyn Error> = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<hyper::Error>()
            && error.is_incomplete_message()
        {
            return true;
        }
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe);
        }
        cause = error.source();
    }
    false
}

/// Describes an error by what failed and by the last of its causes.
pub(super) fn describe(error: &reqwest::Error) -> String {
    if error.is_connect() && error.is_timeout() {
        // The error does not contain which of the two it was.
        return "timed out while looking up its name or connecting to it".into();
    }
    let mut cause: &dyn Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    let failed = if error.is_connect() {
        "cannot connect"
    } else if error.is_decode() || error.is_body() {
        "its answer is incomplete or cannot be decoded"
    } else if error.is_builder() {
        "cannot make the request"
    } else {
        "no valid answer"
    };
    format!("{failed}: {cause}")
}
