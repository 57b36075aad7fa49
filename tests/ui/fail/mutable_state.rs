use management_axum::health_check;

struct Pool;

#[health_check("db")]
async fn db(pool: &mut Pool) {
    let _ = pool;
}

fn main() {}
