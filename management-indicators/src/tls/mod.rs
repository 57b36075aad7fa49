//! Certificates that expire.
//!
//! ```no_run
//! use management_core::{Health, Management, health_check};
//! use management_indicators as indicators;
//!
//! #[health_check("partner-certificate", critical = false)]
//! async fn partner() -> Health {
//!     indicators::tls::ping("partner.example.org:443").await
//! }
//!
//! let management = Management::builder()
//!     .check(indicators::tls::check("certificate", "example.org:443"))
//!     .check(indicators::tls::file("own-certificate", "/etc/tls/tls.crt"))
//!     .build()?;
//! # Ok::<_, management_core::Error>(())
//! ```
//!
//! The indicator looks at the dates of certificates. It does not verify that anybody should trust them.

mod file;
mod handshake;
mod validity;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use management_core::__private::{Mutex, complain};
use management_core::{Check, CurrentRun, Health};
use rustls::pki_types::ServerName;

use self::validity::Validity;
use crate::address::Address;
use crate::flights::Flights;
use crate::setters::setters;
use crate::time::{milliseconds, within_deadline};

const WARN_BEFORE: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// A check of certificates, made by [`check`] or [`file()`].
///
/// The setters of the indicator come first, since those of a check return a [`Check`].
#[derive(Debug)]
#[must_use = "a check does nothing until it is given to a builder or registered"]
pub struct Certificate {
    check: Check,
    warn_before: Arc<Mutex<Duration>>,
}

setters!([] Certificate);

/// A check of the certificates that the server at `host:port` shows.
///
/// Each run makes a TLS handshake and closes the connection, without sending data. The name in the handshake is the host,
/// unless it is an IP address. Any certificate is accepted. All addresses of the host are tried in turn.
///
/// The certificate of the chain that expires first decides. The check is
///
/// - `DEGRADED` 14 days before that, with `expires in 9 days`; see [`Certificate::warn_before`],
/// - `DOWN` with `expired 3 days ago`, or `not valid before 2027-01-01T00:00:00Z`,
/// - `DOWN` with `cannot look up its name: …`, `cannot connect: …`, `the server does not speak TLS`, or
///   `cannot make a TLS connection: …`.
///
/// The details are `expiresAt`, the time as in RFC 3339, `days`, the whole days until then, which are negative from a day
/// after the expiry, and `latencyMs`, the time until the end of the handshake. The deadline is the `timeout` of the check.
///
/// By default the check is not [critical](Check::critical), because a certificate expires on all instances of the service at
/// once. An address that is not valid is an error of `build()`.
#[track_caller]
pub fn check(name: impl Into<String>, address: impl AsRef<str>) -> Certificate {
    let server = Server::parse(address.as_ref());
    let complaint = server.as_ref().err().cloned();
    let warn_before = Arc::new(Mutex::new(WARN_BEFORE));
    let own = Arc::clone(&warn_before);
    let check = Check::new(name, move || {
        let (server, warn_before) = (server.clone(), *own.lock());
        async move { health(server, warn_before).await }
    });
    Certificate { check: complain(check.critical(false), complaint), warn_before }
}

/// A check of the certificates in a PEM file, such as a chain that a server shows. Private keys in the file are ignored.
///
/// Each run reads the first MiB of the file, on a thread of its own. Statuses and details are those of [`check`], except
/// for `latencyMs`. The check is `DOWN` with `cannot read the file: …`, `the file contains no certificate` or
/// `the file is not valid PEM`.
///
/// By default the check is not [critical](Check::critical). An empty path is an error of `build()`.
#[track_caller]
pub fn file(name: impl Into<String>, path: impl Into<PathBuf>) -> Certificate {
    let path = path.into();
    let complaint = path_complaint(&path);
    let warn_before = Arc::new(Mutex::new(WARN_BEFORE));
    let own = Arc::clone(&warn_before);
    let check = Check::blocking(name, move || {
        CurrentRun::step(READING);
        let warn_before = *own.lock();
        judge(file::read(&path), warn_before)
    });
    Certificate { check: complain(check.critical(false), complaint), warn_before }
}

/// Looks at the certificates of the server at `host:port` once, for a check that does more than that.
///
/// The deadline is that of the check. Outside of a check, it is 4 s. An address that is not valid is `DOWN`.
pub async fn ping(address: impl AsRef<str>) -> Health {
    let server = Server::parse(address.as_ref());
    within_deadline(health(server, WARN_BEFORE)).await
}

/// Looks at the certificates in a PEM file once, for a check that does more than that.
///
/// The deadline is that of the check. Outside of a check, it is 4 s.
pub async fn ping_file(path: impl Into<PathBuf>) -> Health {
    static FLIGHTS: Flights<PathBuf, Result<Validity, String>> = Flights::new();

    let path = path.into();
    if let Some(why) = path_complaint(&path) {
        return Health::down(why);
    }
    within_deadline(async {
        CurrentRun::step(READING);
        let found = FLIGHTS.join(path.clone(), move || file::read(&path)).await;
        judge(found.and_then(|found| found), WARN_BEFORE)
    })
    .await
}

const READING: &str = "reading the file";

impl Certificate {
    /// How long before the expiry the check becomes `DEGRADED`. Defaults to 14 days.
    pub fn warn_before(self, time: Duration) -> Self {
        *self.warn_before.lock() = time;
        self
    }
}

/// A server whose name can be in a handshake.
#[derive(Clone)]
struct Server {
    address: Address,
    name: ServerName<'static>,
}

impl Server {
    fn parse(text: &str) -> Result<Self, String> {
        let address = Address::parse(text)?;
        // The zone of an IPv6 address is only for this machine.
        let host = address.host.split('%').next().unwrap_or_default();
        let name = ServerName::try_from(host.to_owned()).map_err(|_| {
            format!("the host of the address {text:?} is not a name of DNS: write it like \"example.org:443\"")
        })?;
        Ok(Server { address, name })
    }
}

async fn health(server: Result<Server, String>, warn_before: Duration) -> Health {
    let Server { address, name } = match server {
        Ok(server) => server,
        Err(why) => return Health::down(why),
    };
    let begun = std::time::Instant::now();
    let shown = async { handshake::chain(address.connect().await?, name).await };
    match shown.await {
        Ok(chain) => {
            let latency = milliseconds(begun.elapsed());
            judge(Validity::of(&chain), warn_before).detail("latencyMs", latency)
        }
        Err(why) => Health::down(why),
    }
}

fn judge(found: Result<Validity, String>, warn_before: Duration) -> Health {
    match found {
        Ok(validity) => validity.judge(SystemTime::now(), warn_before),
        Err(why) => Health::down(why),
    }
}

fn path_complaint(path: &std::path::Path) -> Option<String> {
    let is_empty = path.as_os_str().is_empty();
    is_empty.then(|| "the path is empty: write it like \"/etc/tls/tls.crt\"".into())
}

#[cfg(test)]
mod tests {
    use management_core::Management;

    use super::*;

    #[tokio::test]
    async fn arguments_that_are_not_valid_are_errors_of_build() {
        for (check, why) in [
            (check("certificate", "example.org"), "since it has no port"),
            (check("certificate", "a..b:443"), "\"a..b:443\" is not a name of DNS"),
            (file("certificate", ""), "the path is empty"),
        ] {
            let error = Management::builder().check(check).build().unwrap_err().to_string();
            assert!(error.contains("check `certificate` at ") && error.contains(why), "{error}");
            assert!(error.contains("tls/mod.rs:"), "{error}");
        }
        assert!(ping("example.org").await.reason().unwrap().contains("it has no port"));
        assert!(ping_file("").await.reason().unwrap().contains("the path is empty"));
    }
}
