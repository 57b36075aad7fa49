use management_axum::health_check;

#[health_check("db")]
async fn db<T: Send + Sync>(pool: &T) {
    let _ = pool;
}

#[health_check("cache")]
async fn cache<'a>(cache: &'a String) {
    let _ = cache;
}

fn main() {}
