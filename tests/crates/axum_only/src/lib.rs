//! A package that depends on `management-axum` alone.

use management_axum::{health_check, version_provider};

#[health_check("axum_only")]
async fn health() {}

/// Stands for every version provider of the tests that link this crate.
#[version_provider]
fn version() -> &'static str {
    "of axum_only"
}
