//! [checks]: crate::guide::checks
//! [liveness]: crate::guide::liveness
//! [state]: crate::guide::state
//! [indicators]: crate::guide::indicators
//! [groups]: crate::guide::groups
//! [dependencies]: crate::guide::dependencies
//! [lifecycle]: crate::guide::lifecycle
//! [info]: crate::guide::info
//! [configuration]: crate::guide::configuration
//! [access-log]: crate::guide::access_log
//! [metrics]: crate::guide::metrics
//! [testing]: crate::guide::testing
//! [kubernetes]: crate::guide::kubernetes
//! [migrating]: crate::guide::migrating_from_flask
//! [config]: crate::Config
//! [architecture]: https://docs.rs/crate/management-axum/latest/source/
//! [contributing]: https://docs.rs/crate/management-axum/latest/source/
//!
#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "trace")]
mod access_log;
mod address;
mod bind;
mod drain;
mod guarded;
pub mod guide;
mod listen;
mod probe;
mod router;
mod run;
mod server;
mod shutdown;
mod signals;
#[cfg(unix)]
mod unix;

#[cfg(feature = "trace")]
pub use access_log::{AccessLog, AccessLogFuture, AccessLogLayer, access_log, is_successful_probe};
pub use address::ListenAddress;
pub use drain::{Drain, DrainLayer, Draining, drain_layer};
pub use listen::{Listening, listen};
#[doc(hidden)]
pub use management_core::__private;
#[doc(inline)]
pub use management_core::endpoint::Route;
#[doc(inline)]
pub use management_core::{
    Availability, AvailabilityState, Awaited, BuildInfo, Builder, Check, CheckConfig, CheckInfo,
    CheckKind, Component, Config, CurrentRun, Dependency, Dialect, Error, Group, Health,
    HealthReport, Heartbeat, IntoHealth, IntoStatusCode, IntoVersion, Management, Probe,
    ShowDetails, Status, build_info, endpoint, lifecycle,
};
#[doc(inline)]
pub use management_macros::{
    axum_health_check as health_check, axum_info_contributor as info_contributor,
    axum_liveness_check as liveness_check, axum_readiness_check as readiness_check,
    axum_startup_check as startup_check, axum_version_provider as version_provider,
};
pub use probe::{Probed, probe};
pub use router::router;
pub use run::{Drained, run};
pub use shutdown::{shutdown, shutdown_on};
