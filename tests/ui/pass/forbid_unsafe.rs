#![forbid(unsafe_code)]

use management_core::{Management, health_check};

#[health_check("db")]
async fn db() {}

fn main() {
    assert_eq!(Management::new().unwrap().checks().len(), 1);
}
