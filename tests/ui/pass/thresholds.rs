//! Literals of thresholds.

use management_axum::{
    Management, health_check, info_contributor, liveness_check, readiness_check, startup_check,
    version_provider,
};

macro_rules! check {
    ($name:ident, $failures:literal) => {
        #[readiness_check(fail_after = $failures)]
        fn $name() {}
    };
}

check!(from_a_macro, 3);

#[health_check(interval = "30s", retry = "2s", fail_after = 3)]
async fn all_of_them() {}

#[health_check(interval = "30s", retry = "30s", fail_after = 1)]
async fn the_longest_and_the_least() {}

#[liveness_check(fail_after = 4_294_967_295)]
fn the_most() {}

#[startup_check(fail_after = 0x10u32)]
fn hexadecimal() {}

#[version_provider(interval = "30s", retry = "2s")]
fn version() -> &'static str {
    "1"
}

#[info_contributor("git", interval = "30s", retry = "2s")]
fn git() -> u8 {
    1
}

fn main() {
    let management = Management::new().unwrap();
    assert_eq!(management.checks().len(), 5);
}
