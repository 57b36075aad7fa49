use management_axum::health_check;

#[health_check("db", timeout = "2s", timeout = "3s")]
async fn db() {}

fn main() {}
