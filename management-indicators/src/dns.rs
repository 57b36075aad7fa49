//! Names that have to resolve.
//!
//! ```no_run
//! use management_core::{Health, Management, health_check};
//! use management_indicators as indicators;
//!
//! #[health_check("replica-name")]
//! async fn replica() -> Health {
//!     indicators::dns::ping("replica.internal").await
//! }
//!
//! let management = Management::builder()
//!     .check(indicators::dns::check("dns", "db.internal").critical(false))
//!     .build()?;
//! # Ok::<_, management_core::Error>(())
//! ```

use std::collections::BTreeSet;
use std::time::Instant;

use management_core::__private::{complain, url_on_a_line};
use management_core::{Check, CurrentRun, Health};

use crate::lookup;
use crate::time::{milliseconds, within_deadline};

/// A check that is `UP` if a name has at least one address.
///
/// The resolver of the system looks it up, which also reads `/etc/hosts`. While no name server answers, all runs wait for
/// the same lookup, on one thread.
///
/// The details are `addresses`, the number of addresses, and `latencyMs`. The check is `DOWN` with
/// `cannot look up the name: …`. A text that cannot be a name, such as a URL, is an error of `build()`.
#[track_caller]
pub fn check(name: impl Into<String>, host: impl AsRef<str>) -> Check {
    let host = parse(host.as_ref());
    let complaint = host.as_ref().err().cloned();
    let check = Check::new(name, move || {
        let host = host.clone();
        async move { health(host).await }
    });
    complain(check, complaint)
}

/// Looks up a name once, for a check that does more than that.
///
/// The deadline is that of the check. Outside of a check, it is 4 s. A text that cannot be a name is `DOWN`.
pub async fn ping(host: impl AsRef<str>) -> Health {
    let host = parse(host.as_ref());
    within_deadline(health(host)).await
}

fn parse(host: &str) -> Result<String, String> {
    let complaint = match lookup::complaint(host) {
        None if host.contains(':') && host.parse::<std::net::Ipv6Addr>().is_err() => {
            Some("contains a port")
        }
        complaint => complaint,
    };
    match complaint {
        None => Ok(host.into()),
        Some(why) => Err(format!(
            "the name \"{}\" {why}: write the name of a host alone, like \"db.internal\"",
            url_on_a_line(host)
        )),
    }
}

async fn health(host: Result<String, String>) -> Health {
    let host = match host {
        Ok(host) => host,
        Err(why) => return Health::down(why),
    };
    CurrentRun::step("looking up the name");
    let begun = Instant::now();
    match lookup::addresses(&host).await {
        Ok(addresses) => {
            let addresses: BTreeSet<_> = addresses.iter().map(std::net::SocketAddr::ip).collect();
            Health::up()
                .detail("addresses", addresses.len())
                .detail("latencyMs", milliseconds(begun.elapsed()))
        }
        Err(why) => Health::down(format_args!("cannot look up the name: {why}")),
    }
}

#[cfg(test)]
mod tests {
    use management_core::{Management, Status};

    use super::*;

    #[tokio::test]
    async fn names_that_resolve_and_names_that_do_not() {
        let health = ping("localhost").await;
        assert_eq!(health.status(), Status::Up, "{health:?}");
        assert!(health.details()["addresses"].as_u64() >= Some(1), "{health:?}");
        assert!(health.details()["latencyMs"].is_f64(), "{health:?}");
        // An empty label is refused by the resolver itself, without a name server.
        let health = ping("a..b").await;
        assert_eq!(health.status(), Status::Down, "{health:?}");
        assert!(health.reason().unwrap().starts_with("cannot look up the name: "), "{health:?}");
    }

    #[tokio::test]
    async fn a_text_that_cannot_be_a_name_is_an_error_of_build() {
        for (host, why) in [
            ("", "is empty"),
            ("db:5432", "contains a port"),
            ("postgres://app:hunter2@db", "contains a character"),
        ] {
            let error = Management::builder().check(check("dns", host)).build().unwrap_err();
            let error = error.to_string();
            assert!(error.contains(why) && error.contains("like \"db.internal\""), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
            assert!(ping(host).await.reason().unwrap().contains(why));
        }
    }
}
