use management_axum::health_check;

#[health_check(timeout = 2)]
async fn timeout() {}

#[health_check(critical = "no")]
async fn critical() {}

#[health_check(groups = "payments")]
async fn groups() {}

#[health_check(groups = ["payments", 2])]
async fn member() {}

#[health_check(crate = "management")]
async fn path() {}

#[health_check(42)]
async fn name() {}

#[health_check(name)]
async fn unquoted() {}

#[health_check(critical)]
async fn valueless() {}

#[health_check("db", "2s")]
async fn second_name() {}

fn main() {}
