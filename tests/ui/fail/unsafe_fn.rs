use management_axum::health_check;

#[health_check("db")]
unsafe fn db() {}

fn main() {}
