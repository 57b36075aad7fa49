use std::io;
use std::sync::Arc;

use management_core::__private::Mutex;
use management_core::CurrentRun;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::error::describe;

type Chain = Vec<CertificateDer<'static>>;

/// The certificates that a server shows, and at least one.
pub(super) async fn chain(stream: TcpStream, name: ServerName<'static>) -> Result<Chain, String> {
    CurrentRun::step("waiting for the TLS handshake");
    let shown = Arc::<Shown>::default();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(&error))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&shown) as Arc<dyn ServerCertVerifier>)
        .with_no_client_auth();
    let connected = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    // A server that wants a certificate of the client may end the handshake, but has shown its own.
    let chain = std::mem::take(&mut *shown.0.lock());
    match connected {
        Ok(mut stream) => {
            // The connection is closed in any case, so it does not matter whether the server is told first.
            _ = stream.shutdown().await;
        }
        Err(error) if chain.is_empty() => return Err(reason(&error)),
        Err(_) => {}
    }
    if chain.is_empty() { Err("the server shows no certificate".into()) } else { Ok(chain) }
}

fn reason(error: &io::Error) -> String {
    let own = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    match own {
        Some(Error::InvalidMessage(_)) => "the server does not speak TLS".into(),
        _ if error.kind() == io::ErrorKind::UnexpectedEof => {
            "cannot make a TLS connection: the server closed it".into()
        }
        _ => failed(error),
    }
}

fn failed(error: &(dyn std::error::Error + 'static)) -> String {
    format!("cannot make a TLS connection: {}", describe(error))
}

/// Keeps the certificates that a server shows, and accepts any. No data is sent or believed over such a connection.
#[derive(Debug, Default)]
struct Shown(Mutex<Chain>);

impl ServerCertVerifier for Shown {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain = std::iter::once(end_entity).chain(intermediates);
        *self.0.lock() = chain.map(|certificate| certificate.clone().into_owned()).collect();
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        // Also those that nothing here could verify, so that a server can show whichever certificate it has.
        vec![
            SignatureScheme::ED25519,
            SignatureScheme::ED448,
            SignatureScheme::ECDSA_NISTP256_SHA256,
            SignatureScheme::ECDSA_NISTP384_SHA384,
            SignatureScheme::ECDSA_NISTP521_SHA512,
            SignatureScheme::RSA_PSS_SHA256,
            SignatureScheme::RSA_PSS_SHA384,
            SignatureScheme::RSA_PSS_SHA512,
            SignatureScheme::RSA_PKCS1_SHA256,
            SignatureScheme::RSA_PKCS1_SHA384,
            SignatureScheme::RSA_PKCS1_SHA512,
            SignatureScheme::ECDSA_SHA1_Legacy,
            SignatureScheme::RSA_PKCS1_SHA1,
        ]
    }
}
