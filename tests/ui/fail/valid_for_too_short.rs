use management_axum::health_check;

#[health_check("db", ttl = "10s", timeout = "2s", valid_for = "11s")]
async fn db() {}

#[health_check("cache", interval = "1m", valid_for = "30s")]
async fn cache() {}

fn main() {}
