use std::rc::Rc;

use management_axum::health_check;

#[health_check("db")]
async fn db() {
    let held = Rc::new(1);
    std::future::ready(()).await;
    drop(held);
}

fn main() {}
