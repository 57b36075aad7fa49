use management_axum::{health_check, info_contributor};

#[health_check]
async fn liveness() {}

#[info_contributor("trace")]
fn trace() -> u8 {
    1
}

fn main() {}
