use management_axum::health_check;

#[health_check("db", ttl = "10s", interval = "30s")]
async fn db() {}

fn main() {}
