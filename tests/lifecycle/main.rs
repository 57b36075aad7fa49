//! From the start to the end of a service.

mod availability;
#[path = "../lines.rs"]
mod lines;
#[path = "../support.rs"]
mod support;
