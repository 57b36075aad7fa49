//! A probe from inside a container that has no curl.

use std::fmt;
use std::io::{self, Write};
use std::process::{ExitCode, Termination};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{CONNECTION, HOST, USER_AGENT};
use axum::http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Collected, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use management_core::__private::{tidy_within, url_on_a_line};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The default timeout of kubelet, which is shorter than that of Docker.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// How many bytes of an answer are read and shown.
const MAX_BODY_BYTES: usize = 4 * 1024;

/// Sends one request to a health endpoint, as `curl --fail` does, for the `HEALTHCHECK` of a container without curl.
///
/// The probe succeeds if the answer is 2xx and arrives within a second. The scheme of the URL is `http`, since the request
/// does not leave the container. Use liveness or readiness, which answer in time; `/health` may take longer.
///
/// ```no_run
/// use std::process::{ExitCode, Termination};
///
/// # async fn serve() -> Result<(), std::io::Error> { Ok(()) }
/// #[tokio::main]
/// async fn main() -> Result<ExitCode, std::io::Error> {
///     if std::env::args().nth(1).as_deref() == Some("healthcheck") {
///         let probed = management_axum::probe("http://127.0.0.1:8080/z/health/liveness").await;
///         return Ok(probed.report()); // prints a line; the exit code is 0 or 1
///     }
///     serve().await?;
///     Ok(ExitCode::SUCCESS)
/// }
/// ```
///
/// In a Containerfile: `HEALTHCHECK CMD ["/service", "healthcheck"]`.
pub async fn probe(url: impl AsRef<str>) -> Probed {
    let url = url.as_ref();
    let (is_healthy, found) = match timeout(PROBE_TIMEOUT, ask(url)).await {
        Ok(Ok((code, body))) => (code.is_success(), format!("{} {body}", code.as_u16())),
        Ok(Err(why)) => (false, why),
        Err(_) => (false, format!("no answer within {PROBE_TIMEOUT:?}")),
    };
    let verdict = if is_healthy { "healthy" } else { "unhealthy" };
    let line = format!("{verdict}: {}: {}", url_on_a_line(url), tidy_within(MAX_BODY_BYTES, found));
    Probed { is_healthy, line }
}

async fn ask(url: &str) -> Result<(StatusCode, String), String> {
    let uri: Uri = url.parse().map_err(|error| format!("this is not a URL: {error}"))?;
    if uri.scheme_str() != Some("http") {
        return Err("the URL does not begin with `http://`".into());
    }
    let authority = uri.authority().ok_or("the URL has no host")?.as_str();
    if authority.contains('@') {
        return Err("the URL has user information, which a probe does not send".into());
    }
    let host = uri.host().unwrap_or_default();
    let port = match authority[host.len()..].strip_prefix(':') {
        Some(port) => {
            port.parse().map_err(|_| "the port of the URL is not a number up to 65535")?
        }
        None => 80,
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((host, port))
        .await
        .map_err(|error| format!("no connection: {error}"))?;
    let broken = |error: hyper::Error| format!("no answer: {error}");
    let (mut client, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::get(path)
        .header(HOST, authority)
        .header(USER_AGENT, concat!("management-axum/", env!("CARGO_PKG_VERSION")))
        .header(CONNECTION, "close")
        .body(Body::empty())
        .map_err(|error| format!("the URL cannot be requested: {error}"))?;
    let answer = async {
        let response = client.send_request(request).await.map_err(broken)?;
        let code = response.status();
        let body = Limited::new(response.into_body(), MAX_BODY_BYTES).collect().await;
        // The status decides. An error of the body does not change the result.
        let body = body.map_or(Bytes::new(), Collected::to_bytes);
        Ok((code, String::from_utf8_lossy(&body).into_owned()))
    };
    tokio::pin!(answer);
    tokio::select! {
        answer = &mut answer => answer,
        // The connection has ended, and the answer may have been read.
        _ = connection => answer.await,
    }
}

/// The result of [`probe`]. `Display` is one line.
///
/// As the result of `main`, or with [`report`](Termination::report), it prints the line and sets the exit code: 0 and
/// standard output on success, 1 and standard error on failure.
#[derive(Clone, Debug)]
#[must_use = "the result of a probe is its only effect"]
pub struct Probed {
    is_healthy: bool,
    line: String,
}

impl Probed {
    /// Whether the answer was 2xx and arrived in time.
    pub fn is_healthy(&self) -> bool {
        self.is_healthy
    }
}

impl fmt::Display for Probed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}

impl Termination for Probed {
    fn report(self) -> ExitCode {
        // A closed output does not matter: the exit code is the result.
        if self.is_healthy {
            drop(writeln!(io::stdout(), "{self}"));
            ExitCode::SUCCESS
        } else {
            drop(writeln!(io::stderr(), "{self}"));
            ExitCode::FAILURE
        }
    }
}
