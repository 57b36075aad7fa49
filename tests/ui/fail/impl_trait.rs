use management_axum::{IntoHealth, health_check};

#[health_check("db")]
async fn db(pool: &impl Send) {
    let _ = pool;
}

#[health_check("cache")]
async fn cache(names: Vec<impl Send>) {
    let _ = names;
}

#[health_check("queue")]
fn queue() -> impl IntoHealth {
    true
}

fn main() {}
