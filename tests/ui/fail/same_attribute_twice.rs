use management_axum::health_check;

#[health_check("db")]
#[health_check("cache")]
async fn db() {}

fn main() {}
