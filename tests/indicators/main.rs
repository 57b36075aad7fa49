//! Indicators on real servers.

mod faults;
mod mariadb;
mod postgres;
mod proxy;
mod server;
mod sqlite;
