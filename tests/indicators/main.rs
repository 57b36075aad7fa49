//! Indicators on real servers.

mod faults;
mod nats;
mod postgres;
mod proxy;
mod redis;
mod server;
