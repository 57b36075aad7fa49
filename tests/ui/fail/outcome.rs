use management_axum::health_check;

#[health_check("db")]
async fn db() -> u32 {
    200
}

#[health_check("cache")]
fn cache() -> Option<bool> {
    None
}

fn main() {}
