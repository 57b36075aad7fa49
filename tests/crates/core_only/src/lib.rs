//! A library that brings checks, and depends on `management-core` alone.

use management_core::{
    health_check, info_contributor, liveness_check, readiness_check, startup_check,
};

#[health_check("core_only_health")]
async fn health() {}

#[readiness_check("core_only_readiness")]
fn readiness() {}

#[liveness_check("core_only_liveness")]
fn liveness() {}

#[startup_check("core_only_startup")]
fn startup() {}

#[info_contributor("core_only")]
fn info() -> &'static str {
    "here"
}
