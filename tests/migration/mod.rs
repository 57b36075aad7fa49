//! What flask-management-endpoints 1.1.0 does, row by row, and the faults that it has and this does
//! not.

mod configuration;
mod endpoints;
mod faults;
mod info;
mod urls;

use axum::Router;
use management_axum::{Builder, Check, Management, Status};
use serde_json::Value;
use support::Answer;

/// The endpoints alone.
fn app(builder: Builder) -> Router {
    management_axum::router(&builder.build().unwrap())
}

fn builder() -> Builder {
    Management::builder()
}

fn fixed(name: &str, status: Status) -> Check {
    Check::new(name, move || std::future::ready(status))
}

fn parsed(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).expect(&answer.body)
}

/// The code, and what comes with it.
fn said(answer: &Answer) -> (u16, &str) {
    (answer.status.as_u16(), &answer.body)
}

const UP: &str = r#"{"status":"UP"}"#;
const DOWN: &str = r#"{"status":"DOWN"}"#;
