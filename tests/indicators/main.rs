//! Indicators on real servers.

mod faults;
mod lapin;
mod mariadb;
mod postgres;
mod proxy;
mod rabbitmq;
mod server;
mod sqlite;
