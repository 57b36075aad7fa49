use management_axum::health_check;

struct Pool;

#[health_check("db")]
async fn mutable(pool: Option<&mut Pool>) {
    let _ = pool;
}

#[health_check("cache")]
fn text(url: Option<&str>) {
    let _ = url;
}

#[health_check("queue")]
fn constant(pool: std::option::Option<&'static Pool>) {
    let _ = pool;
}

fn main() {}
