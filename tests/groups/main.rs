//! Groups of checks, the paths of Kubernetes' own components, and answers in text.

mod groups;
mod kubernetes_paths;
mod mistakes;
mod probes;
mod text;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use management_axum::{Builder, Check, Config, Management, Status};
use support::{Answer, send};

#[track_caller]
fn fixed(name: &str, status: Status) -> Check {
    Check::new(name, move || std::future::ready(status))
}

/// A check that counts its runs and takes this long.
fn counted(name: &str, runs: &Arc<AtomicUsize>, takes: Duration) -> Check {
    let runs = Arc::clone(runs);
    Check::new(name, move || {
        runs.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(takes)
    })
}

fn built(builder: Builder) -> (Management, Router) {
    let management = builder.build().unwrap();
    let app = management_axum::router(&management);
    (management, app)
}

fn config(json: &str) -> Config {
    serde_json::from_str(json).unwrap()
}

async fn asked(app: &Router, path: &str, headers: &[(&str, &str)]) -> Answer {
    let request = Request::get(path);
    let request =
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    send(app, request.body(Body::empty()).unwrap()).await
}

/// The code and the body of an answer.
async fn said(app: &Router, path: &str) -> (u16, String) {
    let answer = asked(app, path, &[]).await;
    (answer.status.as_u16(), answer.body)
}

/// As [`said`], in text.
async fn told(app: &Router, path: &str) -> (u16, String) {
    let answer = asked(app, path, &[("accept", "text/plain")]).await;
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"), "{path}");
    (answer.status.as_u16(), answer.body)
}

#[track_caller]
fn is((code, body): (u16, String), expected: u16, text: &str) {
    assert_eq!((code, &*body), (expected, text));
}
