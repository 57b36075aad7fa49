//! Which file of a crate imports which, and whether that follows an order.
//!
//! [`Tree`] parses the files of a crate, beginning at `lib.rs`, and resolves every path in them to the file that
//! defines the item. [`Order::faults`] compares these imports with an order of the folders.
//!
//! Code under `#[cfg(test)]` is left out. Two kinds of dependency have no path, and so are not seen: calls of
//! methods, and an imported name that is only mentioned, without `::`, inside the arguments of a macro.

mod order;
mod resolve;
mod source;
mod tree;

pub use order::Order;
pub use tree::{Import, Tree};
