//! Indicators on real servers.

mod faults;
mod mariadb;
mod pools;
mod postgres;
mod proxy;
mod server;
mod sqlite;
mod standby;
