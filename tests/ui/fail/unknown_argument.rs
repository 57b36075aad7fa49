use management_axum::health_check;

#[health_check("db", timout = "2s")]
async fn db() {}

#[health_check("cache", retries = 3)]
async fn cache() {}

fn main() {}
