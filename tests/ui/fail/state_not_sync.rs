use std::cell::Cell;

use management_axum::health_check;

#[health_check("db")]
async fn borrowed(count: &Cell<u8>) {
    let _ = count;
}

#[health_check("cache")]
fn owned(count: Cell<u8>) {
    let _ = count;
}

fn main() {}
