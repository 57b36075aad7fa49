use management_axum::health_check;

#[health_check("")]
async fn empty() {}

#[health_check("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")]
async fn too_long() {}

#[health_check("a/b")]
async fn slash() {}

#[health_check("a\nb")]
async fn control() {}

#[health_check("a\u{7f}b")]
async fn delete() {}

#[health_check(".")]
async fn dot() {}

#[health_check("..")]
async fn dots() {}

#[health_check("liveness")]
async fn liveness() {}

#[health_check("readiness")]
async fn readiness() {}

#[health_check("startup")]
async fn startup() {}

#[health_check("ping")]
async fn ping() {}

#[health_check("events")]
async fn events() {}

#[health_check("availability")]
async fn availability() {}

#[health_check("runtime")]
async fn runtime() {}

fn main() {}
