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

use super::body::{self, Said};
use super::resolver::Resolver;
use super::{CASCADE, LONGEST_BODY};
use crate::check::health::Health;
use crate::check::status::Status;
use crate::text;

/// How long the body of an answer that is not 200 is waited for.
const BODY_OF_A_FAILURE: Duration = Duration::from_millis(200);

const USER_AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

/// What is understood, what is understood best first.
const UNDERSTOOD: HeaderValue = HeaderValue::from_static(
    "application/json, application/vnd.spring-boot.actuator.v3+json;q=0.9, \
     application/health+json;q=0.8, text/plain;q=0.5, */*;q=0.1",
);

/// How the client is to be.
#[derive(Default)]
pub(crate) struct Options<'a> {
    /// Whether any dependency is asked over TLS.
    pub(crate) tls: bool,
    pub(crate) ca_file: Option<&'a Path>,
    pub(crate) client_certificate_file: Option<&'a Path>,
    pub(crate) environment_proxies: bool,
}

/// Makes the client, and one more for each further deadline: how long a connection may take is a part
/// of that, and reqwest lets it be set for a whole client alone.
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

    /// The client of exchanges with this deadline.
    pub(crate) fn within(&mut self, timeout: Duration) -> Result<Client, String> {
        if let Some(client) = self.made.get(&timeout) {
            return Ok(client.clone());
        }
        // A quarter is left for the answer. With the default of two seconds, a packet that was lost,
        // and which TCP sends again after one, is still no failure.
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
        let client = client.build().map(Client).map_err(|error| told(&error))?;
        self.made.insert(timeout, client.clone());
        Ok(client)
    }
}

/// A client, cheap to clone: all clones share their connections.
#[derive(Clone)]
pub(crate) struct Client(reqwest::Client);

impl Client {
    /// Asks once, and says how the dependency is.
    pub(crate) async fn ask(&self, url: &reqwest::Url, headers: &HeaderMap) -> Health {
        match self.exchange(url, headers).await {
            Ok(health) => health,
            Err(why) => Health::down(why),
        }
    }

    async fn exchange(&self, url: &reqwest::Url, headers: &HeaderMap) -> Result<Health, String> {
        let response = match self.send(url, headers).await {
            // The server may have closed a connection that was kept while this was on its way to it.
            Err(error) if is_closed(&error) => self.send(url, headers).await,
            sent => sent,
        };
        let response = response.map_err(|error| told(&error))?;
        let code = response.status();
        if code.is_redirection() && response.headers().contains_key(LOCATION) {
            return Err(format!(
                "answered {}, and redirects are not followed: give the URL that it leads to",
                code.as_u16()
            ));
        }
        let said = said(response);
        if code == reqwest::StatusCode::OK {
            return Ok(verdict(code, said.await));
        }
        // The code tells enough: what comes late of the body is not worth losing it.
        let said = timeout(BODY_OF_A_FAILURE, said).await;
        Ok(verdict(code, said.unwrap_or_else(|_| Err("its body is late".into()))))
    }

    async fn send(
        &self,
        url: &reqwest::Url,
        headers: &HeaderMap,
    ) -> reqwest::Result<reqwest::Response> {
        let mut all = HeaderMap::with_capacity(headers.len() + 2);
        all.insert(ACCEPT, UNDERSTOOD);
        all.extend(headers.clone());
        all.insert(CASCADE, HeaderValue::from_static("1"));
        self.0.get(url.clone()).headers(all).send().await
    }
}

/// Reads the body of an answer.
async fn said(mut response: reqwest::Response) -> Result<Said, String> {
    // What is compressed in a way that was not asked for cannot be read.
    let encodings = response.headers().get_all(CONTENT_ENCODING).iter();
    for encoding in encodings.map(|encoding| String::from_utf8_lossy(encoding.as_bytes())) {
        if !encoding.trim().is_empty() && !encoding.trim().eq_ignore_ascii_case("identity") {
            let encoding = text::verbatim(encoding);
            return Err(format!("its answer is encoded as `{encoding}`, which was not asked for"));
        }
    }
    let media_type = response
        .headers()
        .get(CONTENT_TYPE)
        .map(|media_type| String::from_utf8_lossy(media_type.as_bytes()).into_owned());
    let mut read = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| told(&error))? {
        if read.len() + chunk.len() > LONGEST_BODY {
            return Err(format!("its answer is longer than {} KiB", LONGEST_BODY / 1024));
        }
        read.extend_from_slice(&chunk);
    }
    body::read(media_type.as_deref(), &read)
}

/// What an answer says of the dependency: it works where the code is 200 and the body says so.
fn verdict(code: reqwest::StatusCode, said: Result<Said, String>) -> Health {
    let answered = format_args!("answered {}", code.as_u16()).to_string();
    if code != reqwest::StatusCode::OK {
        return match said {
            Ok(said) => Health::down(format_args!("{answered} and says {}", said.word))
                .with_components(said.components),
            Err(_) => Health::down(answered),
        };
    }
    match said {
        Ok(Said { status: Status::Up, components, .. }) => Health::up().with_components(components),
        Ok(Said { status: Status::Degraded, word, components }) => {
            Health::degraded(format_args!("says {word}")).with_components(components)
        }
        Ok(Said { word, components, .. }) => {
            Health::down(format_args!("says {word}")).with_components(components)
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

/// An error in words: what was being done, and the last of its causes.
fn told(error: &reqwest::Error) -> String {
    if error.is_connect() && error.is_timeout() {
        // Which of these it was doing, nobody tells.
        return "its name was not looked up, nor a connection made, in time".into();
    }
    let mut cause: &dyn Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    let doing = if error.is_connect() {
        "cannot connect"
    } else if error.is_decode() || error.is_body() {
        "its answer breaks off or cannot be decoded"
    } else if error.is_builder() {
        "cannot be asked"
    } else {
        "no valid answer"
    };
    format!("{doing}: {cause}")
}

fn tls(options: &Options<'_>) -> Result<rustls::ClientConfig, String> {
    // Chosen here and not by a global default, which is the application's to choose. `ring` builds
    // with a C compiler alone, where others want cmake, too.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let own = options.ca_file.map(|file| certificates("dependency_ca_file", file)).transpose()?;
    // A proxy may be asked over TLS, too.
    let config = if options.tls || options.environment_proxies {
        let own = own.unwrap_or_default();
        let verifier = rustls_platform_verifier::Verifier::new_with_extra_roots(own, provider)
            .map_err(|error| {
                format!(
                    "there are no certificates to trust ({error}): install the platform's, or give \
                     `dependency_ca_file`"
                )
            })?;
        config.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
    } else {
        // Nobody is asked over TLS, so that a machine without certificates will do.
        config.with_root_certificates(rustls::RootCertStore::empty())
    };
    let Some(file) = options.client_certificate_file else {
        return Ok(config.with_no_client_auth());
    };
    let named = "dependency_client_certificate_file";
    let key = PrivateKeyDer::from_pem_slice(&read(named, file)?).map_err(|error| match error {
        pem::Error::NoItemsFound => format!(
            "`{named}`: {} has no private key in it: append the key to the certificates",
            file.display()
        ),
        error => format!("`{named}`: {} cannot be read as PEM: {error}", file.display()),
    })?;
    config
        .with_client_auth_cert(certificates(named, file)?, key)
        .map_err(|error| format!("`{named}`: {} is no client certificate: {error}", file.display()))
}

fn certificates(named: &str, file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read(named, file)?).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(format!(
            "`{named}`: {} has no certificate in it: give a PEM file of certificates",
            file.display()
        )),
        Err(error) => Err(format!("`{named}`: {} cannot be read as PEM: {error}", file.display())),
    }
}

fn read(named: &str, file: &Path) -> Result<Vec<u8>, String> {
    fs::read(file).map_err(|error| format!("`{named}`: {} cannot be read: {error}", file.display()))
}
