use management_axum::health_check;

#[health_check("db", timeout = "2 parsecs")]
async fn unit() {}

#[health_check("cache", ttl = "10")]
async fn no_unit() {}

#[health_check("queue", interval = "")]
async fn empty() {}

#[health_check("disk", interval = "-1s")]
async fn negative() {}

fn main() {}
