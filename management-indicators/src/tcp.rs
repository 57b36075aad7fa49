//! Servers that only have to accept a connection.
//!
//! ```no_run
//! use management_core::{Health, Management, health_check};
//! use management_indicators as indicators;
//!
//! #[health_check("relay")]
//! async fn relay() -> Health {
//!     indicators::tcp::ping("relay:25").await
//! }
//!
//! let management = Management::builder()
//!     .check(indicators::tcp::check("smtp", "mail:25").critical(false))
//!     .build()?;
//! # Ok::<_, management_core::Error>(())
//! ```

use std::time::Instant;

use management_core::__private::complain;
use management_core::{Check, Health};

use crate::address::Address;
use crate::time::{milliseconds, within_deadline};

/// A check that is `UP` if the server at `host:port` accepts a connection, which is closed at once.
///
/// If the name has several addresses, each of them is tried until one accepts. Each has an equal share of the time that
/// remains until the deadline, which is the `timeout` of the check.
///
/// The detail `latencyMs` is the time until the connection was accepted, which includes looking up the name. The check is
/// `DOWN` with `cannot look up its name: …` or `cannot connect: …`. An address that is not valid is an error of `build()`.
#[track_caller]
pub fn check(name: impl Into<String>, address: impl AsRef<str>) -> Check {
    let address = Address::parse(address.as_ref());
    let complaint = address.as_ref().err().cloned();
    let check = Check::new(name, move || {
        let address = address.clone();
        async move { health(address).await }
    });
    complain(check, complaint)
}

/// Connects once, for a check that does more than that.
///
/// The deadline is that of the check. Outside of a check, it is 4 s. An address that is not valid is `DOWN`.
pub async fn ping(address: impl AsRef<str>) -> Health {
    let address = Address::parse(address.as_ref());
    within_deadline(health(address)).await
}

async fn health(address: Result<Address, String>) -> Health {
    let begun = Instant::now();
    let connected = async { address?.connect().await };
    match connected.await {
        Ok(_) => Health::up().detail("latencyMs", milliseconds(begun.elapsed())),
        Err(why) => Health::down(why),
    }
}

#[cfg(test)]
mod tests {
    use management_core::Management;

    use super::*;

    #[test]
    fn an_address_that_is_not_valid_is_an_error_of_build() {
        let built = Management::builder().check(check("smtp", "mail")).build();
        let error = built.unwrap_err().to_string();
        assert!(error.contains("check `smtp`") && error.contains("tcp.rs:"), "{error}");
        assert!(
            error.contains("the address \"mail\" is not valid, since it has no port"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn ping_tells_what_is_wrong_with_its_address() {
        let health = ping("mail").await;
        assert!(health.reason().unwrap().starts_with("the address \"mail\" is not valid"));
    }
}
