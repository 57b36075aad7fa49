use management_axum::health_check;

struct Service;

impl Service {
    #[health_check("db")]
    async fn db() {}
}

fn main() {}
