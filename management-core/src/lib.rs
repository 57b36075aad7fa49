//! Health checks, probes, version and info of a service, without a web framework.
//!
//! A binary that serves the endpoints depends on
//! [`management-axum`](https://docs.rs/management-axum), which re-exports all of this. A library that
//! only brings checks depends on this crate alone:
//!
//! ```standalone_crate
//! use management_core::health_check;
//!
//! pub struct Queue { depth: usize }
//!
//! #[health_check("queue", timeout = "500ms")]
//! fn queue_is_short(queue: &Queue) -> Result<(), String> {
//!     if queue.depth < 1000 { Ok(()) } else { Err(format!("{} jobs wait", queue.depth)) }
//! }
//! ```
//!
//! The binary gives the state with `.state(queue)`. The linker leaves out a crate that nobody names:
//! where the binary uses nothing else of a library, it says `use my_library as _;`, and
//! [`Builder::require`] makes sure that it did.
//!
//! - [`Management`] has the checks and runs them; [`Builder`] makes one.
//! - [`Check`] is a check without an attribute; [`Health`] and [`IntoHealth`] are what checks return.
//! - [`Group`] is a part of the checks with an answer of its own.
//! - [`HealthReport`] is an answer, [`Component`] a part of it.
//! - [`Availability`] is what the service says of itself: starting, accepting, refusing or broken. A
//!   server that runs under it says so with a [`Server`].
//! - [`Dependency`] is another service that this one needs; [`Config`] sets all of this from outside.
//! - [`endpoint`] turns requests into responses, for an adapter to a web framework.
//!
//! | Feature | Description | Default |
//! |---|---|---|
//! | `dependencies` | service dependencies, asked over HTTP with `reqwest` | no |
//! | `opentelemetry` | `Management::resource`, an `opentelemetry_sdk::Resource` | no |
//!
//! A check that panics is `DOWN` for itself alone, unless the program is built with
//! `panic = "abort"`, under which nothing can be caught.
//!
//! The first such panic puts a hook around the panic hook of the program, which keeps being called for every
//! panic but one: that of a check at a place where it has panicked before, and not succeeded since. So a
//! check that panics on every run does not print a backtrace on every run. The hook is set once; a program that
//! sets another one later replaces it. Panics of tasks and threads that a check starts are printed each time.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod build;
mod check;
mod config;
mod dependency;
pub mod endpoint;
mod error;
mod info;
mod line;
mod management;
mod report;
mod run;
mod sync;
mod text;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use build::builder::Builder;
pub use check::Check;
pub use check::awaited::Awaited;
pub use check::health::{Health, IntoHealth};
pub use check::kind::CheckKind;
pub use check::probe::Probe;
pub use check::provided::IntoVersion;
pub use check::status::Status;
pub use config::group::Group;
pub use config::show_details::ShowDetails;
pub use config::{CheckConfig, Config};
pub use dependency::Dependency;
pub use error::Error;
pub use management::{CheckInfo, Management};
pub use management_macros::{
    health_check, info_contributor, liveness_check, readiness_check, startup_check,
    version_provider,
};
pub use report::availability::{Availability, AvailabilityState, Server};
pub use report::component::Component;
pub use report::health_report::HealthReport;
