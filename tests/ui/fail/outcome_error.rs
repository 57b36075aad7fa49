use management_axum::health_check;

struct Failed;

#[health_check("db")]
async fn db() -> Result<(), Failed> {
    Err(Failed)
}

fn main() {}
