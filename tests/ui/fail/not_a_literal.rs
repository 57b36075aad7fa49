use std::time::Duration;

use management_axum::{health_check, info_contributor};

const DB: &str = "db";
const TIMEOUT: &str = "2s";
const CRITICAL: bool = false;

mod names {
    pub const CACHE: &str = "cache";
}

#[health_check(DB)]
fn constant() {}

#[health_check(names::CACHE)]
fn path() {}

#[health_check(concat!("d", "b"))]
fn concatenated() {}

#[health_check(env!("CARGO_PKG_NAME"))]
fn variable() {}

#[health_check(b"db")]
fn bytes() {}

#[health_check(c"db")]
fn c_string() {}

#[health_check('d')]
fn character() {}

#[info_contributor(DB)]
fn key() -> u8 {
    1
}

#[health_check("db", timeout = TIMEOUT, critical = CRITICAL, groups = [DB])]
fn arguments() {}

#[health_check("cache", timeout = Duration::from_secs(2), critical = !cfg!(test))]
fn expressions() {}

fn main() {
    let _ = (DB, TIMEOUT, CRITICAL, names::CACHE, Duration::ZERO);
}
