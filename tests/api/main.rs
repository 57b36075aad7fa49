//! The public types, as users and adapters see them.

mod lifecycle;
#[path = "../lines.rs"]
mod lines;
mod reports;
#[path = "../support.rs"]
mod support;
