#[web::health_check("db")]
async fn db() {}

#[web::version_provider]
fn version() -> &'static str {
    "1"
}

#[web::info_contributor("git", crate = web)]
fn git() -> u8 {
    1
}
