//! Indicators on real servers.

mod faults;
mod postgres;
mod proxy;
mod server;
