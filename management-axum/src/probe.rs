//! A probe from inside of the container, where there is no curl.

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

/// What kubelet and Docker wait at most, if nobody tells them otherwise, or longer.
const DEADLINE: Duration = Duration::from_secs(1);

/// How much of an answer is read and told.
const ENOUGH: usize = 4 * 1024;

/// Asks a health endpoint once, as `curl --fail` would, for the `HEALTHCHECK` of a container without curl.
///
/// It passes if the answer is 2xx and is there within a second. The URL is `http`, since it leads to this
/// very container. Ask liveness or readiness, which answer in time; `/health` may take longer.
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
    let (is_healthy, told) = match timeout(DEADLINE, ask(url)).await {
        Ok(Ok((code, body))) => (code.is_success(), format!("{} {body}", code.as_u16())),
        Ok(Err(why)) => (false, why),
        Err(_) => (false, format!("no answer within {DEADLINE:?}")),
    };
    let verdict = if is_healthy { "healthy" } else { "unhealthy" };
    let line = format!("{verdict}: {}: {}", url_on_a_line(url), tidy_within(ENOUGH, told));
    Probed { is_healthy, line }
}

async fn ask(url: &str) -> Result<(StatusCode, String), String> {
    let uri: Uri = url.parse().map_err(|error| format!("this is no URL: {error}"))?;
    if uri.scheme_str() != Some("http") {
        return Err("this is no `http://` URL".into());
    }
    let authority = uri.authority().ok_or("this URL has no host")?.as_str();
    if authority.contains('@') {
        return Err("this URL has user information, which a probe does not send".into());
    }
    let host = uri.host().unwrap_or_default();
    let port = match authority[host.len()..].strip_prefix(':') {
        Some(port) => port.parse().map_err(|_| "this URL has a port that is none")?,
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
        .map_err(|error| format!("this URL cannot be asked: {error}"))?;
    let answer = async {
        let response = client.send_request(request).await.map_err(broken)?;
        let code = response.status();
        let body = Limited::new(response.into_body(), ENOUGH).collect().await;
        // The code has said it all; a body that cannot be shown changes nothing.
        let body = body.map_or(Bytes::new(), Collected::to_bytes);
        Ok((code, String::from_utf8_lossy(&body).into_owned()))
    };
    tokio::pin!(answer);
    tokio::select! {
        answer = &mut answer => answer,
        // What it has read is there for whoever waits for it.
        _ = connection => answer.await,
    }
}

/// What [`probe`] has found. `Display` is one line.
///
/// Where a `main` returns it, or [`report`](Termination::report) is called, the line is printed, on the
/// error output if the probe failed, and the exit code is 0 or 1.
#[derive(Clone, Debug)]
#[must_use = "a probe that nobody looks at tells nothing"]
pub struct Probed {
    is_healthy: bool,
    line: String,
}

impl Probed {
    /// Whether the answer was 2xx, and in time.
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
        // The exit code tells it, too, where nobody can be told in words.
        if self.is_healthy {
            drop(writeln!(io::stdout(), "{self}"));
            ExitCode::SUCCESS
        } else {
            drop(writeln!(io::stderr(), "{self}"));
            ExitCode::FAILURE
        }
    }
}
