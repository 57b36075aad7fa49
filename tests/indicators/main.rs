//! Indicators on real servers.

mod faults;
mod lapin;
mod mariadb;
mod mongo;
mod mongodb;
mod postgres;
mod proxy;
mod rabbitmq;
mod server;
mod sqlite;
