//! The expansion triggers no lint.
#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub, unused)]
#![deny(future_incompatible, let_underscore_drop, keyword_idents, nonstandard_style)]
#![deny(rust_2018_idioms, single_use_lifetimes, trivial_casts, unused_qualifications)]
#![deny(unused_lifetimes, unused_results, variant_size_differences, unnameable_types)]

use management_axum::{
    Management, health_check, info_contributor, liveness_check, readiness_check, startup_check,
    version_provider,
};

/// State.
#[derive(Debug, Clone)]
pub struct Pool;

/// Documented.
#[health_check(
    "db",
    timeout = "2s",
    interval = "30s",
    retry = "2s",
    valid_for = "5m",
    critical = true,
    fail_after = 3,
    groups = ["a", "b"]
)]
pub async fn db(pool: &Pool) -> Result<(), std::io::Error> {
    let Pool = pool;
    Ok(())
}

#[readiness_check]
fn ready(pool: Pool) -> bool {
    let Pool = pool;
    true
}

#[liveness_check]
fn alive() {}

#[startup_check]
async fn started() -> management_axum::Status {
    management_axum::Status::Up
}

#[version_provider]
fn version() -> Option<String> {
    None
}

#[info_contributor("git")]
fn git() -> Result<u8, std::fmt::Error> {
    Ok(1)
}

fn main() {
    let management = Management::builder().state(Pool).build().unwrap();
    assert_eq!(management.checks().len(), 4);
}
