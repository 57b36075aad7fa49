//! From the start to the end of a service.

mod availability;
mod consumer;
mod deploy;
mod drain;
mod edges;
mod listener;
mod log;
mod probe;
mod run;
mod signals;
#[cfg(unix)]
mod systemd;
#[cfg(unix)]
mod unix_socket;
mod upgrades;
