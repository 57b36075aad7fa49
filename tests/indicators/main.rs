//! Indicators on real servers.

mod faults;
mod mariadb;
mod nats;
mod pools;
mod postgres;
mod proxy;
mod redis;
mod server;
mod sqlite;
mod standby;
