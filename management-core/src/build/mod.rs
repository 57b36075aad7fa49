//! From attributes and a builder to a [`Management`](crate::Management).

pub(crate) mod accept;
mod assemble;
pub(crate) mod builder;
mod collect;
mod grouping;
#[cfg(feature = "dependencies")]
mod targets;
