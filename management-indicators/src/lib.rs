#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "bb8-postgres")]
pub mod bb8;
#[cfg(any(feature = "lapin", feature = "mongodb"))]
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
pub mod pool;
#[cfg(any(feature = "bb8-postgres", feature = "deadpool-postgres", feature = "sqlx-postgres"))]
mod postgres;
mod setters;
#[cfg(any(feature = "sqlx-mysql", feature = "sqlx-postgres", feature = "sqlx-sqlite"))]
pub mod sqlx;
