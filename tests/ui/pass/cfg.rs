#![allow(clippy::non_minimal_cfg)]

use management_axum::{Management, health_check};

// Below the attribute, above it, and inside `cfg_attr`.
#[health_check("gone_below")]
#[cfg(any())]
async fn gone_below(_: &NoSuchType) {}

#[cfg(any())]
#[health_check("gone_above")]
async fn gone_above(_: &NoSuchType) {}

#[health_check("gone_by_cfg_attr")]
#[cfg_attr(all(), cfg(any()), allow(dead_code))]
async fn gone_by_cfg_attr(_: &NoSuchType) {}

#[cfg_attr(all(), health_check("added"))]
async fn added() {}

#[health_check("kept")]
#[cfg(all())]
#[cfg_attr(any(), cfg(any()))]
#[cfg_attr(all(), inline)]
async fn kept() {}

#[health_check("one_parameter")]
fn one_parameter(#[cfg(any())] gone: &NoSuchType, #[cfg(all())] kept: &u8, _: u8) {
    assert_eq!(*kept, 1);
}

fn main() {
    let management = Management::builder().state(1_u8).build().unwrap();
    let names: Vec<_> = management.checks().into_iter().map(|check| check.name).collect();
    assert_eq!(names, ["added", "kept", "one_parameter"]);
}
