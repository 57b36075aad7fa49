//! From the results of many checks to one answer.
//!
//! In: checks that can run, and groups of them. Out: a [`HealthReport`](crate::HealthReport), and the lines
//! of the log about what changed. It does not know requests, paths or bodies, nor how checks were
//! registered.

pub(crate) mod about;
pub(crate) mod answer_log;
pub(crate) mod ask;
pub(crate) mod availability;
mod availability_line;
pub(crate) mod availability_state;
pub(crate) mod component;
pub(crate) mod counts;
pub(crate) mod durations;
pub(crate) mod health_group;
pub(crate) mod health_report;
pub(crate) mod json;
pub(crate) mod log;
pub(crate) mod logged_reason;
pub(crate) mod registered;
pub(crate) mod runtime_lag;
pub(crate) mod signals;
pub(crate) mod slow;
