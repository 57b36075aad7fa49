#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(any(feature = "tcp", feature = "tls"))]
mod address;
#[cfg(feature = "bb8-postgres")]
pub mod bb8;
#[cfg(feature = "deadpool-postgres")]
pub mod deadpool;
#[cfg(feature = "diesel-r2d2")]
pub mod diesel;
#[cfg(all(feature = "disk", unix))]
pub mod disk;
#[cfg(feature = "dns")]
pub mod dns;
mod error;
#[cfg(any(
    feature = "disk",
    feature = "dns",
    feature = "memory",
    feature = "tcp",
    feature = "tls"
))]
mod flights;
#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "lapin")]
pub mod lapin;
#[cfg(any(feature = "dns", feature = "tcp", feature = "tls"))]
mod lookup;
#[cfg(feature = "memory")]
pub mod memory;
#[cfg(feature = "mongodb")]
pub mod mongodb;
#[cfg(feature = "nats")]
pub mod nats;
pub mod pool;
#[cfg(any(feature = "bb8-postgres", feature = "deadpool-postgres", feature = "sqlx-postgres"))]
mod postgres;
#[cfg(feature = "redis")]
pub mod redis;
mod setters;
#[cfg(any(feature = "sqlx-mysql", feature = "sqlx-postgres", feature = "sqlx-sqlite"))]
pub mod sqlx;
#[cfg(feature = "tcp")]
pub mod tcp;
mod time;
#[cfg(feature = "tls")]
pub mod tls;
