//! The public types, as users and adapters see them.

#[cfg(unix)]
mod hyper;
mod lifecycle;
mod public_types;
mod reports;
