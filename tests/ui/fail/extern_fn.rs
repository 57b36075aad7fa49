use management_axum::health_check;

#[health_check("db")]
extern "C" fn db() {}

fn main() {}
