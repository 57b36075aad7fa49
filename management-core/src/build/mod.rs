//! From attributes and a builder to a [`Management`](crate::Management), or to every mistake in them.
//!
//! In: what attributes registered, what the builder was given, and the environment. Out: a `Management`
//! whose checks can run, or an [`Error`](crate::Error). It does not know requests and responses.

mod announce;
pub(crate) mod assemble;
pub(crate) mod builder;
mod collect;
mod configure;
mod context;
#[cfg(feature = "dependencies")]
mod dependencies;
#[cfg(not(feature = "dependencies"))]
#[path = "no_dependencies.rs"]
mod dependencies;
mod group_settings;
mod names;
mod register;
