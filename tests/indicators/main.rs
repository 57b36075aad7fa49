//! Indicators on real servers.

mod faults;
mod lapin;
mod mariadb;
mod mongo;
mod mongodb;
mod nats;
mod pools;
mod postgres;
mod proxy;
mod rabbitmq;
mod redis;
mod server;
mod sqlite;
mod standby;
