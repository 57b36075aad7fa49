#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(any(feature = "tcp", feature = "tls"))]
mod address;
#[cfg(any(
    feature = "disk",
    feature = "dns",
    feature = "http",
    feature = "memory",
    feature = "tcp",
    feature = "tls"
))]
mod deadline;
#[cfg(all(feature = "disk", unix))]
pub mod disk;
#[cfg(feature = "dns")]
pub mod dns;
#[cfg(any(
    feature = "bb8-postgres",
    feature = "deadpool-postgres",
    feature = "diesel-r2d2",
    feature = "disk",
    feature = "dns",
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
#[cfg(any(feature = "dns", feature = "tcp", feature = "tls"))]
mod lookup;
#[cfg(feature = "memory")]
pub mod memory;
pub mod pool;
mod setters;
#[cfg(any(feature = "sqlx-mysql", feature = "sqlx-postgres", feature = "sqlx-sqlite"))]
pub mod sqlx;
#[cfg(feature = "tcp")]
pub mod tcp;
#[cfg(feature = "tls")]
pub mod tls;
