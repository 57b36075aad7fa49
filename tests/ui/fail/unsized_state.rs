use management_axum::health_check;

#[health_check("db")]
async fn text(url: &str) {
    let _ = url;
}

#[health_check("cache")]
async fn slice(ports: &[u16]) {
    let _ = ports;
}

#[health_check("queue")]
async fn object(clock: &(dyn Send + Sync)) {
    let _ = clock;
}

#[health_check("disk")]
async fn constant(path: &'static str) {
    let _ = path;
}

fn main() {}
