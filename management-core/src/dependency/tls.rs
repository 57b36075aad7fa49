//! Which certificates the connections to other services trust and show.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// The options of all clients.
#[derive(Clone, Copy, Default)]
pub(crate) struct Options<'a> {
    /// Whether at least one dependency is asked over TLS.
    pub(crate) tls: bool,
    pub(crate) ca_file: Option<&'a Path>,
    pub(crate) client_certificate_file: Option<&'a Path>,
    pub(crate) environment_proxies: bool,
}

/// What all connections over TLS have in common.
pub(super) fn config(options: &Options<'_>) -> Result<rustls::ClientConfig, String> {
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
                    "the platform has no certificates to trust ({error}): install them, or name a file of \
                     them in `SSL_CERT_FILE` or, for service dependencies, in `dependency_ca_file`"
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
