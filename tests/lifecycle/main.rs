//! From the start to the end of a service.

mod availability;
mod deploy;
mod drain;
mod edges;
#[path = "../lines.rs"]
mod lines;
mod listener;
#[path = "../peer.rs"]
mod peer;
mod probe;
mod run;
mod signals;
#[path = "../support.rs"]
mod support;
#[cfg(unix)]
mod unix_socket;
mod upgrades;
