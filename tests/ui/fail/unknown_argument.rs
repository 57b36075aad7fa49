use management_axum::health_check;

#[health_check("db", timout = "2s")]
async fn db() {}

fn main() {}
