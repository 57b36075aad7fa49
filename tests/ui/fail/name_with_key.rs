use management_axum::{health_check, info_contributor};

#[health_check(name = "db")]
async fn database() {}

#[info_contributor(key = "git")]
fn commit() -> Result<u8, String> {
    Ok(1)
}

fn main() {}
