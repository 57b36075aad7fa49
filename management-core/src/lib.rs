#![doc = include_str!("../README.md")]
//!
//! # Contents
//!
//! - [`Management`] has the checks and runs them. A [`Builder`] makes one, and [`Config`] configures it from outside.
//! - [`Check`] is a check without an attribute. [`Health`] and [`IntoHealth`] are what checks return. A [`Heartbeat`] is
//!   the sign of life of a loop, and [`CurrentRun`] the run that the code of a check is in.
//! - [`Group`] is a part of the checks with an answer of its own.
//! - [`HealthReport`] is an answer, and [`Component`] is the result of one check in it.
//! - [`Availability`] is whether the service accepts requests: starting, accepting, refusing or broken. It also shuts the
//!   service down.
//! - [`Dependency`] is another service that this one needs.
//! - [`endpoint`] and [`lifecycle`] are for adapters to other web frameworks and servers.
//!
//! # Features
//!
//! | Feature | Description | Default |
//! |---|---|---|
//! | `actuator` | links, metrics and scheduled tasks as Spring Boot's Actuator has them | no |
//! | `dependencies` | service dependencies, asked over HTTP with `reqwest` | no |
//! | `metrics` | emits metrics through the facade of the crate `metrics` | no |
//! | `opentelemetry` | metrics as instruments of `opentelemetry`, and `Management::resource`, an `opentelemetry_sdk::Resource` | no |
//! | `prometheus` | metrics as text for Prometheus | no |
//! | `systemd` | [`lifecycle::notify_service_manager`] notifies systemd | no |
//!
//! # Public dependencies
//!
//! Public signatures contain types of `bytes`, `http`, `serde`, `serde_json` and `tokio`, all of them of version 1. Those of
//! `management-axum` also contain types of `axum`, `tower-layer` and `tower-service`, as axum's own do. A new major
//! version of one of them is a new major version of these crates. `Management::resource` is the only exception:
//! semantic versioning does not cover it, because `opentelemetry_sdk` has no version 1 yet.
//!
//! # Panics of checks
//!
//! A check that panics is `DOWN`. With `panic = "abort"`, a panic cannot be caught and ends the program.
//!
//! The first panic of a check wraps the panic hook of the program. The wrapper forwards every panic, except one at a place
//! where the same check has panicked since its last success: a check that panics on every run does not print a
//! backtrace on every run. A hook that is set later replaces the wrapper. Panics of tasks and threads that a check starts
//! are printed every time.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod build;
mod check;
mod config;
mod dependency;
pub mod endpoint;
mod error;
mod info;
pub mod lifecycle;
mod line;
mod management;
#[cfg(feature = "_series")]
mod metrics;
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
pub use check::heartbeat::Heartbeat;
pub use check::kind::CheckKind;
pub use check::probe::Probe;
pub use check::provided::IntoVersion;
pub use check::status::Status;
pub use config::dialect::Dialect;
pub use config::exposure::IntoStatusCode;
pub use config::group::Group;
pub use config::show_details::ShowDetails;
pub use config::{CheckConfig, Config};
pub use dependency::Dependency;
pub use error::Error;
pub use info::build_info::BuildInfo;
pub use management::{CheckInfo, Management};
pub use management_macros::{
    health_check, info_contributor, liveness_check, readiness_check, startup_check,
    version_provider,
};
pub use report::availability::Availability;
pub use report::availability_state::AvailabilityState;
pub use report::component::Component;
pub use report::health_report::HealthReport;
pub use run::current::CurrentRun;
