//! The public types, as users and adapters see them.

mod lifecycle;
mod reports;
