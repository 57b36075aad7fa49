use std::sync::Arc;

use management_axum::{Management, health_check};

pub struct Pool;
pub struct Cache(pub u8);

#[health_check]
async fn pool(pool: Option<&Pool>) -> bool {
    pool.is_none()
}

#[health_check]
fn cache(cache: std::option::Option<&Cache>, whole: Option<u8>) -> bool {
    cache.is_some_and(|cache| cache.0 == 7) && whole == Some(1)
}

fn main() {
    let builder = Management::builder().state(Arc::new(Cache(7))).state(Some(1_u8));
    let management = builder.build().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let report = runtime.block_on(management.health());
    assert_eq!(report.status(), management_axum::Status::Up, "{report:?}");
}
