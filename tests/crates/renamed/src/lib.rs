//! A package that knows both crates by other names.

#[ours::health_check("renamed_core", crate = ours)]
async fn core() {}

#[web::health_check("renamed_axum", crate = ::web)]
async fn axum() {}

/// Where a façade keeps them.
pub mod facade {
    pub use web as management;
}

#[facade::management::readiness_check(crate = crate::facade::management)]
fn renamed_facade() -> bool {
    true
}

#[ours::info_contributor("renamed", crate = ours)]
fn info() -> u8 {
    1
}
