//! The metrics of a service, and every way to show them.
//!
//! In: the checks, the groups and the process. Out: series, as texts for Prometheus, through the facade `metrics`, and as
//! instruments of OpenTelemetry. Reading them runs no check. It does not know requests.

#[cfg(feature = "actuator")]
pub(crate) mod actuator;
#[cfg(feature = "prometheus")]
pub(crate) mod exposition;
#[cfg(feature = "metrics")]
pub(crate) mod facade;
#[cfg(feature = "prometheus")]
pub(crate) mod format;
mod health;
#[cfg(feature = "opentelemetry")]
pub(crate) mod instruments;
#[cfg(feature = "prometheus")]
pub(crate) mod other;
mod process;
#[cfg(feature = "prometheus")]
pub(crate) mod prometheus;
mod runtime;
mod series;
pub(crate) mod source;

use series::Series;

/// Every series.
fn all() -> impl Iterator<Item = &'static Series> {
    health::SERIES.iter().chain(&runtime::SERIES).chain(&process::SERIES)
}
