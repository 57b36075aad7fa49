//! What a service counts, and the ways to read it.

mod counts;
mod many;
mod other;
mod readers;
mod scrape;

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use http::{HeaderMap, Method, Request};
use management_core::endpoint::{Endpoint, Route};
use management_core::{Builder, Check, Management};

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn with(checks: impl IntoIterator<Item = Check>) -> Management {
    checks.into_iter().fold(Management::builder(), Builder::check).build().unwrap()
}

/// The answer of `/metrics` to a request that accepts this.
async fn answer(management: &Management, accept: Option<&str>) -> (HeaderMap, String) {
    let mut request = Request::builder().method(Method::GET).uri("/z/metrics");
    if let Some(accept) = accept {
        request = request.header("accept", accept);
    }
    let (request, ()) = request.body(()).unwrap().into_parts();
    let response = Endpoint::new(management).respond(Route::Metrics, &request).await;
    assert_eq!(response.status(), 200);
    let (head, body) = response.into_parts();
    (head.headers, String::from_utf8(body.to_vec()).unwrap())
}

/// The text of `/metrics`.
async fn text(management: &Management) -> String {
    answer(management, None).await.1
}

/// The value of a sample; `None` if there is none.
fn value(text: &str, series: &str) -> Option<f64> {
    let mut values = text.lines().filter_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    let value = values.next()?;
    assert_eq!(values.next(), None, "{series} is there twice");
    Some(value.parse().unwrap_or_else(|_| panic!("{series} is {value}")))
}

/// The state of a check or a group, of which exactly one is present.
fn state<'a>(text: &'a str, series: &str) -> &'a str {
    let samples =
        text.lines().filter_map(|line| line.strip_prefix(series)?.strip_prefix(",state=\""));
    let samples: Vec<_> = samples.map(|sample| sample.split_once("\"} ").unwrap()).collect();
    let states: Vec<_> = samples.iter().map(|(state, _)| *state).collect();
    assert_eq!(states, ["up", "degraded", "unknown", "out_of_service", "down"], "{series}");
    let mut present = samples.iter().filter(|(_, value)| *value == "1");
    let (state, _) = present.next().unwrap_or_else(|| panic!("no state of {series} is present"));
    assert!(
        present.next().is_none() && samples.iter().all(|(_, value)| matches!(*value, "0" | "1"))
    );
    state
}

/// What `promtool check metrics` says about a text; `scripts/test` installs it.
fn lint(text: &str) -> String {
    let command = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut promtool) = command else { return String::new() };
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    String::from_utf8(said).unwrap()
}
