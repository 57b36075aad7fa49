//! Handlers that say what ours say, without any checks behind them.

use std::hint::black_box;
use std::time::Duration;

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, VARY};
use axum::http::{HeaderName, HeaderValue};
use axum::response::IntoResponse;
use serde::{Serialize, Serializer};
use tokio::time::timeout;

use super::NAMES;

/// The deadline of a check that sets none.
const TIMEOUT: Duration = Duration::from_secs(4);

/// Constants, as careful code has them: a `&str` would be copied and looked through for each request.
const HEADERS: [(HeaderName, HeaderValue); 3] = [
    (CONTENT_TYPE, HeaderValue::from_static("application/json")),
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (VARY, HeaderValue::from_static("Accept")),
];

const TEN_COMPONENTS: &str = concat!(
    r#"{"status":"UP","components":{"#,
    r#""check-0":{"status":"UP"},"check-1":{"status":"UP"},"check-2":{"status":"UP"},"#,
    r#""check-3":{"status":"UP"},"check-4":{"status":"UP"},"check-5":{"status":"UP"},"#,
    r#""check-6":{"status":"UP"},"check-7":{"status":"UP"},"check-8":{"status":"UP"},"#,
    r#""check-9":{"status":"UP"}}}"#,
);

pub(super) async fn liveness() -> impl IntoResponse {
    (HEADERS, r#"{"status":"UP"}"#)
}

pub(super) async fn fixed_body() -> impl IntoResponse {
    (HEADERS, TEN_COMPONENTS)
}

pub(super) async fn serialised() -> impl IntoResponse {
    // What is known while this is compiled must not be serialised then.
    (HEADERS, Report::of(&black_box([true; NAMES.len()])).to_json())
}

pub(super) async fn spawned() -> impl IntoResponse {
    let tasks = NAMES.map(|_| tokio::spawn(timeout(TIMEOUT, async { true })));
    let mut results = [false; NAMES.len()];
    for (result, task) in results.iter_mut().zip(tasks) {
        *result = matches!(task.await, Ok(Ok(true)));
    }
    (HEADERS, Report::of(&results).to_json())
}

#[derive(Serialize)]
struct Report {
    status: &'static str,
    components: Components,
}

struct Components([Component; NAMES.len()]);

#[derive(Serialize)]
struct Component {
    status: &'static str,
}

impl Report {
    fn of(results: &[bool; NAMES.len()]) -> Self {
        let components = Components(results.map(|is_up| Component { status: status(is_up) }));
        Report { status: status(results.iter().all(|is_up| *is_up)), components }
    }

    fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("strings as keys and values")
    }
}

impl Serialize for Components {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(NAMES.iter().zip(&self.0))
    }
}

fn status(is_up: bool) -> &'static str {
    if is_up { "UP" } else { "DOWN" }
}
