use management_axum::health_check;

#[health_check("db" timeout = "2s")]
async fn db() {}

fn main() {}
