use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use http::request::Parts;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::line::line;

/// Which requests are shown details and error texts.
///
/// Defaults to none, since error texts name hosts, users and tables.
#[derive(Clone, Default)]
pub struct ShowDetails(Who);

#[derive(Clone, Default)]
enum Who {
    #[default]
    Nobody,
    ManagementPort,
    Authorized(Arc<dyn Fn(&Parts) -> bool + Send + Sync>),
    Everybody,
}

impl ShowDetails {
    /// No request is shown details.
    pub fn never() -> Self {
        ShowDetails(Who::Nobody)
    }

    /// Requests to the listener of the endpoints are shown details: that of [`Builder::listen`](crate::Builder::listen)
    /// and `management_axum::listen`. Requests to endpoints in the application's own router are not.
    ///
    /// Those who operate the service then see why a pod is not ready, without a restart:
    ///
    /// ```sh
    /// kubectl port-forward pod/orders-7d4f 8081 & curl 'http://localhost:8081/z/health/readiness?verbose'
    /// ```
    ///
    /// Everyone who can connect to that listener is shown them, so do not expose its port outside of the cluster.
    pub fn on_management_port() -> Self {
        ShowDetails(Who::ManagementPort)
    }

    /// Requests for which the closure returns `true` are shown details.
    ///
    /// Compare a secret: the presence of a header proves nothing, since any client can send it. A comparison in
    /// constant time does not disclose how much of a guess is right.
    ///
    /// ```
    /// use http::header::AUTHORIZATION;
    /// use management_core::{Error, Management, ShowDetails};
    /// use subtle::ConstantTimeEq;
    ///
    /// /// `token` comes from outside the program, and is not empty.
    /// fn management(token: &str) -> Result<Management, Error> {
    ///     let expected = format!("Bearer {token}");
    ///     let rule = ShowDetails::when_authorized(move |request| {
    ///         let sent = request.headers.get(AUTHORIZATION);
    ///         sent.is_some_and(|sent| sent.as_bytes().ct_eq(expected.as_bytes()).into())
    ///     });
    ///     Management::builder().show_details(rule).build()
    /// }
    /// # management("7f3a").unwrap();
    /// ```
    pub fn when_authorized(rule: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        ShowDetails(Who::Authorized(Arc::new(rule)))
    }

    /// Every request is shown details.
    pub fn always() -> Self {
        ShowDetails(Who::Everybody)
    }

    pub(crate) fn is_on_management_port(&self) -> bool {
        matches!(self.0, Who::ManagementPort)
    }

    pub(crate) fn to(&self, request: &Parts, is_on_management_port: bool) -> bool {
        match &self.0 {
            Who::Nobody => false,
            Who::ManagementPort => is_on_management_port,
            // A panic of the user's closure must not fail a probe.
            Who::Authorized(rule) => catch_unwind(AssertUnwindSafe(|| rule(request)))
                .unwrap_or_else(|_| {
                    line!(
                        WARN,
                        [setting = "show_details"],
                        "the closure of `show_details` panicked: details are not shown"
                    );
                    false
                }),
            Who::Everybody => true,
        }
    }
}

impl fmt::Debug for ShowDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Who::Nobody => "never",
            Who::ManagementPort => "on_management_port",
            Who::Authorized(_) => "when_authorized",
            Who::Everybody => "always",
        })
    }
}

/// `never`, `management-port` or `always`. Only a program can set a closure.
impl<'de> Deserialize<'de> for ShowDetails {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match &*String::deserialize(deserializer)? {
            "never" => Ok(ShowDetails::never()),
            "management-port" => Ok(ShowDetails::on_management_port()),
            "always" => Ok(ShowDetails::always()),
            other => Err(D::Error::unknown_variant(other, &["never", "management-port", "always"])),
        }
    }
}
