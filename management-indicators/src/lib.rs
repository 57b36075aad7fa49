#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

// Tests the code of the page, which the guide of `management-axum` shows.
#[cfg(all(
    doctest,
    feature = "bb8-postgres",
    feature = "deadpool-postgres",
    feature = "diesel-r2d2",
    feature = "disk",
    feature = "dns",
    feature = "http",
    feature = "lapin",
    feature = "memory",
    feature = "mongodb",
    feature = "nats",
    feature = "redis",
    feature = "sqlx-mysql",
    feature = "sqlx-postgres",
    feature = "sqlx-sqlite",
    feature = "tcp",
    feature = "tls"
))]
#[doc = include_str!("../../docs/indicators.md")]
mod page {}

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
    feature = "sqlx-sqlite",
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
