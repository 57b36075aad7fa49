#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "bb8-postgres")]
pub mod bb8;
mod deadline;
#[cfg(feature = "deadpool-postgres")]
pub mod deadpool;
#[cfg(feature = "diesel-r2d2")]
pub mod diesel;
mod error;
#[cfg(feature = "lapin")]
pub mod lapin;
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
