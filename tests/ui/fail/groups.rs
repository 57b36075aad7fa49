use management_axum::health_check;

#[health_check("db", groups = ["payments", "payments"])]
async fn twice() {}

#[health_check("cache", groups = ["a/b", "ping"])]
async fn bad() {}

fn main() {}
