//! From the start to the end of a service.

mod availability;
mod deploy;
#[path = "../lines.rs"]
mod lines;
mod run;
mod signals;
#[path = "../support.rs"]
mod support;
