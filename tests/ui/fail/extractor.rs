use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use management_axum::{health_check, readiness_check};

#[derive(Clone)]
struct Pool;

#[health_check("db")]
async fn db(State(pool): State<Pool>) {
    let _ = pool;
}

#[readiness_check("cache")]
fn cache(cache: axum::extract::State<Arc<Pool>>) {
    let _ = cache;
}

#[health_check("queue")]
fn queue(Extension(queue): Extension<Pool>) {
    let _ = queue;
}

fn main() {}
