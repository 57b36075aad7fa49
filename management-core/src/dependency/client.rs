//! One HTTP client for all dependencies.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION};
use reqwest::redirect::Policy;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::time::timeout;

use super::body::{self, Body};
use super::resolver::Resolver;
use super::{CASCADE, MAX_BODY_BYTES};
use crate::check::health::Health;
use crate::check::status::Status;
use crate::text;

/// How long the client waits for the body of an answer that is not 200.
const FAILURE_BODY_TIMEOUT: Duration = Duration::from_millis(200);

const USER_AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

/// The known media types, in order of preference.
const ACCEPTED: HeaderValue = HeaderValue::from_static(
    "application/json, application/vnd.spring-boot.actuator.v3+json;q=0.9, \
     application/health+json;q=0.8, text/plain;q=0.5, */*;q=0.1",
);

/// The options of all clients.
#[derive(Default)]
pub(crate) struct Options<'a> {
    /// Whether at least one dependency is asked over TLS.
    pub(crate) tls: bool,
    pub(crate) ca_file: Option<&'a Path>,
    pub(crate) client_certificate_file: Option<&'a Path>,
    pub(crate) environment_proxies: bool,
}

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
            tls: tls(options)?,
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
        let response = match self.send(url, headers).await {
            // The server may have closed a kept connection while the request was on its way.
            Err(error) if is_closed(&error) => self.send(url, headers).await,
            sent => sent,
        };
        let response = response.map_err(|error| describe(&error))?;
        let code = response.status();
        if code.is_redirection() && response.headers().contains_key(LOCATION) {
            return Err(format!(
                "answered {}, but redirects are not followed: configure the URL to which it redirects",
                code.as_u16()
            ));
        }
        let body = read_body(response);
        if code == reqwest::StatusCode::OK {
            return Ok(health(code, body.await));
        }
        // The code is reason enough. Without this timeout, a late body would replace it by that of the deadline.
        let body = timeout(FAILURE_BODY_TIMEOUT, body).await;
        Ok(health(code, body.unwrap_or_else(|_| Err("its body is late".into()))))
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

/// Reads the body of an answer.
async fn read_body(mut response: reqwest::Response) -> Result<Body, String> {
    // The request does not accept other encodings, and this client cannot decode them.
    let encodings = response.headers().get_all(CONTENT_ENCODING).iter();
    for encoding in encodings.map(|encoding| String::from_utf8_lossy(encoding.as_bytes())) {
        if !encoding.trim().is_empty() && !encoding.trim().eq_ignore_ascii_case("identity") {
            let encoding = text::verbatim(encoding);
            return Err(format!(
                "its answer has the encoding `{encoding}`, which the request does not accept"
            ));
        }
    }
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
fn describe(error: &reqwest::Error) -> String {
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

fn tls(options: &Options<'_>) -> Result<rustls::ClientConfig, String> {
    // The global default belongs to the application. `ring` only needs a C compiler, while others also need cmake.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let own = options.ca_file.map(|file| certificates("dependency_ca_file", file)).transpose()?;
    // The connection to a proxy may use TLS as well.
    let config = if options.tls || options.environment_proxies {
        let own = own.unwrap_or_default();
        let verifier = rustls_platform_verifier::Verifier::new_with_extra_roots(own, provider)
            .map_err(|error| {
                format!(
                    "the platform has no certificates to trust ({error}): install them, or set \
                     `dependency_ca_file`"
                )
            })?;
        config.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
    } else {
        // Without TLS, the program also works on a machine without certificates.
        config.with_root_certificates(rustls::RootCertStore::empty())
    };
    let Some(file) = options.client_certificate_file else {
        return Ok(config.with_no_client_auth());
    };
    let named = "dependency_client_certificate_file";
    let key = PrivateKeyDer::from_pem_slice(&read(named, file)?).map_err(|error| match error {
        pem::Error::NoItemsFound => format!(
            "`{named}`: {} contains no private key: append the key to the certificates",
            file.display()
        ),
        error => format!("`{named}`: {} is not valid PEM: {error}", file.display()),
    })?;
    config.with_client_auth_cert(certificates(named, file)?, key).map_err(|error| {
        format!("`{named}`: {} is not a client certificate: {error}", file.display())
    })
}

fn certificates(named: &str, file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read(named, file)?).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(format!(
            "`{named}`: {} contains no certificate: set it to a PEM file of certificates",
            file.display()
        )),
        Err(error) => Err(format!("`{named}`: {} is not valid PEM: {error}", file.display())),
    }
}

fn read(named: &str, file: &Path) -> Result<Vec<u8>, String> {
    fs::read(file).map_err(|error| format!("`{named}`: {} cannot be read: {error}", file.display()))
}
