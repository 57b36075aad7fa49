//! Has a check that nobody finds, since the binary beside it never names this library.

use management_axum::health_check;

#[health_check("unnamed")]
fn unnamed() {}
