//! What one process shows without a socket: runs of checks, answers of a router, the access log.
//!
//! Nothing here registers a check with an attribute, since a registered check is in every `Management` of its binary.

mod access_log;
mod api;
mod endpoints;
mod formats;
mod hosts;
mod metrics;
mod names;
mod runner;
