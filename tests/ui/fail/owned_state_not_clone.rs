use management_axum::health_check;

struct Pool;

#[health_check("db")]
async fn db(pool: Pool) {
    let _ = pool;
}

fn main() {}
