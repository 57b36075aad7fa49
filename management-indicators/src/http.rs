//! Pages that have to answer.
//!
//! ```no_run
//! use management_core::{Health, Management, health_check};
//! use management_indicators as indicators;
//!
//! #[health_check("rates")]
//! async fn rates() -> Health {
//!     indicators::http::ping("https://rates/ping").await
//! }
//!
//! let billing = indicators::http::check("billing", "https://billing/ping").expect(204);
//! let management = Management::builder().check(billing.critical(false)).build()?;
//! # Ok::<_, management_core::Error>(())
//! ```
//!
//! For a service that reports its own health, use a [`Dependency`](management_core::Dependency), which understands the answer.
//!
//! The certificate of an `https` URL is verified with the certificates of the platform. Redirects are not followed, and the
//! proxies of the environment are not used. All checks share one client, which keeps its connections.

use std::sync::Arc;
use std::time::{Duration, Instant};

use management_core::__private::{Mutex, Target, complain};
use management_core::{Check, CurrentRun, Health};

use crate::setters::setters;
use crate::time::{allowed, milliseconds, within_deadline};

/// A check of a page, made by [`check`].
///
/// The setters of the indicator come first, since those of a check return a [`Check`].
#[derive(Debug)]
#[must_use = "a check does nothing until it is given to a builder or registered"]
pub struct Http {
    check: Check,
    expected: Arc<Mutex<Expected>>,
}

setters!([] Http);

#[derive(Clone, Debug, Default)]
struct Expected {
    code: Option<u16>,
    text: Option<String>,
}

/// A check that gets a page, and is `UP` if the code of the answer is 200 to 299.
///
/// The detail `latencyMs` is the time until the answer began. The check is `DOWN` with `cannot connect: …`,
/// `answered 503`, or the error of TLS, and with the code of an answer that redirects. No text contains the URL. The
/// deadline is the `timeout` of the check.
///
/// A user name and a password in the URL are sent as basic authentication. A URL that is not valid is an error of
/// `build()`, and so is an `https` URL on a machine without certificates to trust.
#[track_caller]
pub fn check(name: impl Into<String>, url: impl AsRef<str>) -> Http {
    let target = Target::new(url.as_ref());
    let complaint = target.as_ref().err().cloned();
    let expected = Arc::<Mutex<Expected>>::default();
    let own = Arc::clone(&expected);
    let check = Check::new(name, move || {
        let (target, expected) = (target.clone(), own.lock().clone());
        async move { health(target, expected).await }
    });
    Http { check: complain(check, complaint), expected }
}

/// Gets a page once, for a check that does more than that.
///
/// The deadline is that of the check. Outside of a check, it is 4 s. A URL that is not valid is `DOWN`.
pub async fn ping(url: impl AsRef<str>) -> Health {
    let target = Target::new(url.as_ref());
    within_deadline(health(target, Expected::default())).await
}

impl Http {
    /// The only code that is `UP`, from 200 to 599. Defaults to every code from 200 to 299.
    ///
    /// A code that redirects is `UP` as well if it is this one.
    pub fn expect(mut self, code: u16) -> Self {
        let complaint = (!(200..600).contains(&code))
            .then(|| format!("the expected code {code} is not valid: use one from 200 to 599"));
        self.check = complain(self.check, complaint);
        self.expected.lock().code = Some(code);
        self
    }

    /// A text that the first 64 KiB of the answer must contain. Otherwise the check is `DOWN` with
    /// `its answer lacks the expected text`. The text is not shown.
    pub fn contains(mut self, text: impl Into<String>) -> Self {
        let text = text.into();
        let complaint = text.is_empty().then(|| {
            "the text that its answer must contain is empty: give a text, or remove `contains`"
                .into()
        });
        self.check = complain(self.check, complaint);
        self.expected.lock().text = Some(text);
        self
    }
}

async fn health(target: Result<Target, String>, expected: Expected) -> Health {
    match get(target, expected).await {
        Ok(latency) => Health::up().detail("latencyMs", milliseconds(latency)),
        Err(why) => Health::down(why),
    }
}

/// How long the answer took to begin, if it is as expected.
async fn get(target: Result<Target, String>, expected: Expected) -> Result<Duration, String> {
    let target = target?;
    CurrentRun::step("waiting for an answer");
    let begun = Instant::now();
    let page = target.get(allowed()).await?;
    let latency = begun.elapsed();
    CurrentRun::step("reading the answer");
    let code = page.code();
    let is_expected = expected.code.map_or((200..300).contains(&code), |expected| expected == code);
    if !is_expected {
        let why = page.redirect().unwrap_or_else(|| match expected.code {
            Some(expected) => format!("answered {code} in place of {expected}"),
            None => format!("answered {code}"),
        });
        page.finish().await;
        return Err(why);
    }
    let Some(text) = expected.text else {
        page.finish().await;
        return Ok(latency);
    };
    if page.contains(&text).await? {
        Ok(latency)
    } else {
        Err("its answer lacks the expected text".into())
    }
}

#[cfg(test)]
mod tests {
    use management_core::Management;

    use super::*;

    fn complaint(check: impl Into<Check>) -> String {
        Management::builder().check(check).build().unwrap_err().to_string()
    }

    #[test]
    fn what_is_not_valid_is_an_error_of_build() {
        let error = complaint(check("billing", "billing/ping"));
        assert!(error.contains("check `billing`") && error.contains("it has no scheme"), "{error}");
        let error = complaint(check("billing", "ftp://app:hunter2@billing/"));
        assert!(error.contains("its scheme is \"ftp\"") && !error.contains("hunter2"), "{error}");
        let error = complaint(check("billing", "http://billing/").expect(99).contains(""));
        assert!(error.contains("code 99") && error.contains("contain is empty"), "{error}");
    }

    #[test]
    fn nothing_shows_the_url() {
        let check = check("billing", "http://app:hunter2@billing/token");
        let shown = format!("{check:?}");
        assert!(!shown.contains("hunter2") && !shown.contains("token"), "{shown}");
    }
}
