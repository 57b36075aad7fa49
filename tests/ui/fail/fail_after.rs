use management_axum::{health_check, info_contributor, version_provider};

const THRESHOLD: u32 = 3;

#[health_check(fail_after = 0)]
async fn zero() {}

#[health_check(fail_after = -1)]
async fn negative() {}

#[health_check(fail_after = "3")]
async fn string() {}

#[health_check(fail_after = 3.0)]
async fn fraction() {}

#[health_check(fail_after = 4294967296)]
async fn too_large() {}

#[health_check(fail_after = THRESHOLD)]
async fn constant() {}

#[health_check(fail_after)]
async fn valueless() {}

#[health_check(failafter = 3)]
async fn misspelt() {}

#[version_provider(fail_after = 3)]
fn version() -> &'static str {
    "1"
}

#[info_contributor("git", fail_after = 3)]
fn git() -> u8 {
    1
}

fn main() {
    let _ = THRESHOLD;
}
