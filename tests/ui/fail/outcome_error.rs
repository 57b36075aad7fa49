use management_axum::{Check, health_check, info_contributor, version_provider};

struct Failed;

#[health_check("db")]
async fn db() -> Result<(), Failed> {
    Err(Failed)
}

#[version_provider]
fn version() -> Result<String, Failed> {
    Err(Failed)
}

#[info_contributor("git")]
fn git() -> Result<u32, Failed> {
    Err(Failed)
}

fn main() {
    let _ = Check::new("queue", async || Err::<(), _>(Failed));
    let _ = Check::blocking("disk", || Err::<(), _>(Failed));
}
