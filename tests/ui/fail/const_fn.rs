use management_axum::health_check;

#[health_check("db")]
const fn db() -> bool {
    true
}

fn main() {}
