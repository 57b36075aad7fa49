//! Certificates of every age, from servers and in files.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use management_core::Status;
use management_indicators::tls;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

use crate::{Asked, assert_health, run};

/// A chain, its own certificate first, and the key of that.
pub(crate) struct Identity {
    chain: Vec<CertificateDer<'static>>,
    pem: String,
    key: KeyPair,
}

fn in_days(days: i64) -> SystemTime {
    // A minute more, so that there are whole days left while the test runs.
    let length = Duration::from_secs(days.unsigned_abs() * 24 * 60 * 60);
    let minute = Duration::from_secs(60);
    if days < 0 { SystemTime::now() - length - minute } else { SystemTime::now() + length + minute }
}

fn params(begin: i64, end: i64) -> CertificateParams {
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.not_before = in_days(begin).into();
    params.not_after = in_days(end).into();
    params
}

fn valid(begin: i64, end: i64) -> Identity {
    let key = KeyPair::generate().unwrap();
    let certificate = params(begin, end).self_signed(&key).unwrap();
    Identity { chain: vec![certificate.der().clone()], pem: certificate.pem(), key }
}

pub(crate) fn expiring_in_days(end: i64) -> Identity {
    valid(-365, end)
}

/// A chain whose intermediate certificate expires first.
fn with_intermediate(end: i64, of_intermediate: i64) -> Identity {
    let mut intermediate = params(-365, of_intermediate);
    intermediate.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(intermediate, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let own = params(-365, end).signed_by(&key, &issuer).unwrap();
    Identity {
        chain: vec![own.der().clone(), issuer.der().clone()],
        pem: own.pem() + &issuer.pem(),
        key,
    }
}

/// A server that tells the name and the data that each client has sent. Its tasks end with the runtime of the test.
pub(crate) struct Server {
    pub(crate) port: u16,
    seen: mpsc::UnboundedReceiver<(Option<String>, Vec<u8>)>,
}

impl Server {
    pub(crate) async fn start(identity: &Identity) -> Self {
        Server::with(identity, false).await
    }

    /// `mutual` asks for a certificate of the client, with TLS 1.2, in which that belongs to the handshake.
    async fn with(identity: &Identity, mutual: bool) -> Self {
        let provider = Arc::new(ring::default_provider());
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let config = if mutual {
            let mut roots = RootCertStore::empty();
            roots.add(identity.chain[0].clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
            let config = config.with_protocol_versions(&[&rustls::version::TLS12]).unwrap();
            config.with_client_cert_verifier(verifier.build().unwrap())
        } else {
            config.with_safe_default_protocol_versions().unwrap().with_no_client_auth()
        };
        let key = PrivateKeyDer::try_from(identity.key.serialize_der()).unwrap();
        let config = config.with_single_cert(identity.chain.clone(), key).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (tell, seen) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let name = stream.get_ref().1.server_name().map(str::to_owned);
                let mut data = Vec::new();
                // An end without the message of TLS is an error.
                stream.read_to_end(&mut data).await.unwrap();
                _ = tell.send((name, data));
            }
        });
        Server { port, seen }
    }

    fn address(&self, host: &str) -> String {
        format!("{host}:{}", self.port)
    }
}

#[tokio::test]
async fn certificates_of_every_age() {
    for (identity, status, why, days) in [
        (expiring_in_days(90), Status::Up, "", 90),
        (expiring_in_days(9), Status::Degraded, "expires in 9 days", 9),
        (expiring_in_days(-3), Status::Down, "expired 3 days ago", -3),
        (valid(5, 90), Status::Down, "not valid before 20", 90),
        (with_intermediate(9, 90), Status::Degraded, "expires in 9 days", 9),
        (with_intermediate(90, 9), Status::Degraded, "expires in 9 days", 9),
        (with_intermediate(90, -3), Status::Down, "expired 3 days ago", -3),
    ] {
        let server = Server::start(&identity).await;
        let health = run(tls::check("certificate", server.address("localhost"))).await;
        assert_health(&health, status, why);
        assert_eq!(health.details()["days"], days);
        assert!(health.details()["latencyMs"].is_f64(), "{health:?}");
        let expires_at = health.details()["expiresAt"].as_str().unwrap().to_owned();
        assert!(expires_at.starts_with("20") && expires_at.ends_with('Z'), "{expires_at}");
        assert_health(&tls::ping(server.address("localhost")).await, status, why);

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tls.crt");
        fs::write(&path, identity.pem + &identity.key.serialize_pem()).unwrap();
        let health = run(tls::file("certificate", &path)).await;
        assert_health(&health, status, why);
        assert_eq!(health.details()["expiresAt"], expires_at);
        assert_health(&tls::ping_file(&path).await, status, why);
    }
}

#[tokio::test]
async fn the_name_is_sent_and_no_data() {
    let mut server = Server::start(&expiring_in_days(90)).await;
    for (host, name) in [("localhost", Some("localhost".to_owned())), ("127.0.0.1", None)] {
        let health = run(tls::check("certificate", server.address(host))).await;
        assert_health(&health, Status::Up, "");
        assert_eq!(server.seen.recv().await, Some((name, Vec::new())));
    }
}

#[tokio::test]
async fn the_warning_can_come_earlier_or_never() {
    let server = Server::start(&expiring_in_days(20)).await;
    let check = || tls::check("certificate", server.address("localhost"));
    let month = Duration::from_secs(30 * 24 * 60 * 60);
    assert_health(&run(check().warn_before(month)).await, Status::Degraded, "expires in 20 days");
    assert_health(&run(check().warn_before(Duration::ZERO)).await, Status::Up, "");
}

#[tokio::test]
async fn a_server_that_wants_a_certificate_of_the_client() {
    let server = Server::with(&expiring_in_days(9), true).await;
    let health = run(tls::check("certificate", server.address("localhost"))).await;
    assert_health(&health, Status::Degraded, "expires in 9 days");
}

#[tokio::test]
async fn servers_without_a_handshake() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let check = || tls::check("certificate", &address).timeout(Duration::from_millis(300));
    // The connection is open before it is accepted.
    let why = "timed out after 300ms while waiting for the TLS handshake";
    assert_health(&run(check()).await, Status::Down, why);
    drop(listener.accept().await.unwrap());

    let answer = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"220 mail ESMTP\r\n").await.unwrap();
        stream
    };
    let check = || tls::check("certificate", &address);
    let (health, _stream) = tokio::join!(run(check()), answer);
    assert_health(&health, Status::Down, "the server does not speak TLS");

    let close = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.shutdown().await.unwrap();
        stream
    };
    let (health, _stream) = tokio::join!(run(check()), close);
    assert_health(&health, Status::Down, "cannot make a TLS connection: the server closed it");

    drop(listener);
    assert_health(&run(check()).await, Status::Down, "cannot connect: Connection refused");
}

#[tokio::test]
async fn files_without_a_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tls.crt");
    let missing = "cannot read the file: No such file or directory (os error 2)";
    assert_health(&run(tls::file("certificate", &path)).await, Status::Down, missing);
    let key = KeyPair::generate().unwrap().serialize_pem();
    for (content, why) in [
        ("", "the file contains no certificate"),
        ("\0\u{1}garbage", "the file contains no certificate"),
        (&key, "the file contains no certificate"),
        (
            "-----BEGIN CERTIFICATE-----\n!secret!\n-----END CERTIFICATE-----\n",
            "the file is not valid PEM",
        ),
        (
            "-----BEGIN CERTIFICATE-----\nc2VjcmV0\n-----END CERTIFICATE-----\n",
            "a certificate cannot be read",
        ),
        ("-----BEGIN CERTIFICATE-----\nc2Vj", "the file is not valid PEM"),
    ] {
        fs::write(&path, content).unwrap();
        let health = run(tls::file("certificate", &path)).await;
        assert_eq!(health.reason(), Some(why), "{content}");
        assert_eq!(tls::ping_file(&path).await.reason(), Some(why), "{content}");
    }
    assert_health(&run(tls::file("certificate", folder.path())).await, Status::Down, "cannot read");
}

#[tokio::test]
async fn a_file_that_is_renewed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tls.crt");
    let certificate = Asked::new(tls::file("certificate", &path));
    for (end, status) in [(-3, Status::Down), (9, Status::Degraded), (90, Status::Up)] {
        fs::write(&path, expiring_in_days(end).pem).unwrap();
        assert_health(&certificate.health().await, status, "");
    }
}
