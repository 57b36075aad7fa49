use management_axum::health_check;

#[health_check("db", timeout = "0s")]
async fn db() {}

#[health_check("cache", interval = "0ms")]
async fn cache() {}

fn main() {}
