use management_axum::{health_check, info_contributor, version_provider};

#[health_check(retry = "2s")]
async fn without_interval() {}

#[health_check(ttl = "10s", retry = "2s")]
async fn with_ttl() {}

#[health_check(interval = "30s", retry = "90s")]
async fn longer() {}

#[health_check(interval = "30s", retry = "0s")]
async fn zero() {}

#[health_check(interval = "30s", retry = 2)]
async fn number() {}

#[health_check(interval = "30s", retry = "soon")]
async fn malformed() {}

#[health_check(interval = "soon", retry = "2s")]
async fn beside_another_mistake() {}

#[version_provider(retry = "2s")]
fn version() -> &'static str {
    "1"
}

#[info_contributor("git", interval = "1s", retry = "2s")]
fn git() -> u8 {
    1
}

fn main() {}
