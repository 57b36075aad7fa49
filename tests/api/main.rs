//! The public types, as users and adapters see them.

#[cfg(unix)]
mod hyper;
mod lifecycle;
#[path = "../lines.rs"]
mod lines;
mod public_types;
mod reports;
#[path = "../support.rs"]
mod support;
