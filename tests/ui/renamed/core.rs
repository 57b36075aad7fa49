#[ours::health_check("db")]
async fn db() {}

#[ours::version_provider]
fn version() -> &'static str {
    "1"
}

#[ours::info_contributor("git", crate = ours)]
fn git() -> u8 {
    1
}
