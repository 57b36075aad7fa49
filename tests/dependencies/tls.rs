//! Dependencies that are asked over TLS.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use management_axum::{Builder, Component, Dependency, Management, Status};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use super::{Connection, PATIENCE, Peer, json, read_head};

/// An authority with a folder for what it signs.
struct Authority {
    own: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
    folder: TempDir,
}

/// What an authority has signed.
struct Signed {
    certificate: CertificateDer<'static>,
    key: KeyPair,
    pem: String,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let own = params.self_signed(&key).unwrap();
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("ca.pem"), own.pem()).unwrap();
        Authority { own: own.into(), issuer: Issuer::new(params, key), folder }
    }

    fn sign(&self, host: &str) -> Signed {
        let params = CertificateParams::new([host.to_owned()]).unwrap();
        let key = KeyPair::generate().unwrap();
        let signed = params.signed_by(&key, &self.issuer).unwrap();
        let pem = signed.pem() + &key.serialize_pem();
        Signed { certificate: signed.into(), key, pem }
    }

    fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A file in the folder.
    fn file(&self, text: &str) -> PathBuf {
        let file = self.folder.path().join("file.pem");
        std::fs::write(&file, text).unwrap();
        file
    }

    /// What serves with a certificate for this host.
    fn acceptor(&self, host: &str, asks_for_certificates: bool) -> TlsAcceptor {
        let signed = self.sign(host);
        let provider = Arc::new(ring::default_provider());
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let config = if asks_for_certificates {
            let mut roots = RootCertStore::empty();
            roots.add(self.own.clone()).unwrap();
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            config.with_client_cert_verifier(verifier.unwrap())
        } else {
            config.with_no_client_auth()
        };
        let key = PrivateKeyDer::try_from(signed.key.serialize_der()).unwrap();
        let config = config.with_single_cert(vec![signed.certificate], key).unwrap();
        TlsAcceptor::from(Arc::new(config))
    }

    /// A server that is up, and how many requests it has had.
    async fn serve(&self, host: &str, asks_for_certificates: bool) -> (String, Arc<AtomicUsize>) {
        let acceptor = self.acceptor(host, asks_for_certificates);
        let requests = Arc::new(AtomicUsize::new(0));
        let own = Arc::clone(&requests);
        let peer = Peer::new(move |connection: Connection| {
            let (acceptor, requests) = (acceptor.clone(), Arc::clone(&own));
            async move {
                let mut stream = acceptor.accept(connection.stream).await?;
                loop {
                    read_head(&mut stream).await?;
                    requests.fetch_add(1, Ordering::SeqCst);
                    stream.write_all(&json(r#"{"status":"UP"}"#)).await?;
                    stream.flush().await?;
                }
            }
        })
        .await;
        (format!("https://{}/health", peer.address), requests)
    }
}

fn builder(url: &str) -> Builder {
    let users = Dependency::new(url).timeout(PATIENCE);
    Management::builder().service_dependency("users", users).health_budget(PATIENCE)
}

async fn asked(builder: Builder) -> Component {
    builder.build().unwrap().check("users").await.unwrap()
}

#[tokio::test]
async fn an_own_authority_is_trusted_where_it_is_given() {
    let (own, other) = (Authority::new("own"), Authority::new("other"));
    let (url, requests) = own.serve("127.0.0.1", false).await;
    let users = asked(builder(&url).dependency_ca_file(own.ca_file())).await;
    assert_eq!((users.status(), users.health().reason()), (Status::Up, None));
    assert_eq!(requests.load(Ordering::SeqCst), 1);

    // The platform may trust nobody, so that there has to be somebody whom to trust.
    let users = asked(builder(&url).dependency_ca_file(other.ca_file())).await;
    assert_eq!(users.status(), Status::Down);
    let why = "cannot connect: invalid peer certificate: UnknownIssuer";
    assert_eq!(users.health().reason(), Some(why));
    assert_eq!(requests.load(Ordering::SeqCst), 1, "it is not asked");
}

#[tokio::test]
async fn a_certificate_for_another_host_is_refused() {
    let own = Authority::new("own");
    let (url, requests) = own.serve("users.example", false).await;
    let users = asked(builder(&url).dependency_ca_file(own.ca_file())).await;
    assert_eq!(users.status(), Status::Down);
    let why = users.health().reason().unwrap();
    assert!(
        why.starts_with("cannot connect: invalid peer certificate: certificate not valid"),
        "{why}"
    );
    assert_eq!(requests.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_certificate_is_shown_to_who_asks_for_one() {
    let own = Authority::new("own");
    let (url, requests) = own.serve("127.0.0.1", true).await;
    let certificate = own.file(&own.sign("us.example").pem);
    let trusting = builder(&url).dependency_ca_file(own.ca_file());
    let users = asked(trusting.dependency_client_certificate_file(certificate)).await;
    assert_eq!((users.status(), users.health().reason()), (Status::Up, None));

    let users = asked(builder(&url).dependency_ca_file(own.ca_file())).await;
    assert_eq!(users.status(), Status::Down);
    let why = users.health().reason().unwrap();
    assert!(why.contains("received fatal alert: CertificateRequired"), "{why}");
    assert_eq!(requests.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn files_that_are_no_good_are_refused_at_once() {
    let own = Authority::new("own");
    let signed = own.sign("us.example");
    let refused = |builder: Builder| builder.build().unwrap_err().to_string();
    let absent = own.folder.path().join("absent.pem");
    for (text, why) in [
        (None, "absent.pem cannot be read: No such file"),
        (Some(""), "file.pem contains no certificate"),
        (Some("a text"), "file.pem contains no certificate"),
        (
            Some("-----BEGIN CERTIFICATE-----\n???\n-----END CERTIFICATE-----\n"),
            "file.pem is not valid PEM",
        ),
    ] {
        let file = text.map_or_else(|| absent.clone(), |text| own.file(text));
        let said = refused(builder("https://h/").dependency_ca_file(file));
        assert!(said.contains("service dependencies cannot be asked: "), "{said}");
        assert!(said.contains(why), "{said}");
    }
    let key = signed.key.serialize_pem();
    let certificate = signed.pem.replace(&key, "");
    let other = own.sign("us.example").key.serialize_pem();
    for (text, why) in [
        (None, "absent.pem cannot be read: No such file"),
        (Some(certificate.clone()), "file.pem contains no private key"),
        (Some(key), "file.pem contains no certificate"),
        (Some(certificate + &other), "file.pem is not a client certificate: "),
    ] {
        let file = text.map_or_else(|| absent.clone(), |text| own.file(&text));
        let said = refused(builder("https://h/").dependency_client_certificate_file(file));
        assert!(said.contains(why), "{said}");
        assert!(!said.contains("PRIVATE"), "{said}");
    }
}

/// With the default deadline, so that this is the one test that takes its time: a connection, which
/// here includes what TLS has to say first, may take three quarters of it.
#[tokio::test]
async fn a_connection_that_is_not_made_in_time() {
    let peer = Peer::new(async |_connection| std::future::pending().await).await;
    let url = format!("https://{}/health", peer.address);
    let silent = Dependency::new(url);
    let management = Management::builder().service_dependency("users", silent).build().unwrap();
    let users = management.check("users").await.unwrap();
    assert_eq!(users.status(), Status::Down);
    let why = "timed out while looking up its name or connecting to it";
    assert_eq!(users.health().reason(), Some(why));
    assert!(users.duration().unwrap() < Duration::from_secs(2));
}
