//! Pools of `sqlx`: PostgreSQL, MySQL, MariaDB and SQLite.
//!
//! ```no_run
//! # #[cfg(feature = "sqlx-postgres")]
//! # async fn build() -> Result<(), Box<dyn std::error::Error>> {
//! use management_core::Management;
//!
//! let pool = sqlx::PgPool::connect("postgres:///shop").await?;
//! let management = Management::builder()
//!     .check(management_indicators::sqlx::postgres("db", &pool).readiness())
//!     .build()?;
//! # Ok(())
//! # }
//! ```
//!
//! Inside a function with an attribute, [`ping`] does the same:
//!
//! ```
//! # #[cfg(feature = "sqlx-sqlite")]
//! # mod service {
//! use management_core::{Health, health_check};
//! use management_indicators as indicators;
//!
//! #[health_check("db")]
//! async fn database(pool: &sqlx::SqlitePool) -> Health {
//!     indicators::sqlx::ping(pool).await
//! }
//! # }
//! ```
//!
//! sqlx does not tell how many tasks wait for a connection, so `waiting` is missing.

#[cfg(feature = "sqlx-mysql")]
mod mysql;
#[cfg(feature = "sqlx-postgres")]
mod postgres;
#[cfg(feature = "sqlx-sqlite")]
mod sqlite;

use std::borrow::Cow;

use management_core::Health;
use sqlx::error::DatabaseError;
use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, Connection, Database, Error, Executor, Pool, raw_sql};

use crate::error::{describe, redact};
use crate::pool::{self, Answer, Fault, PoolProbe, Question, Usage};

/// A check of a pool of PostgreSQL.
///
/// A query that is not valid, a wrong password and a missing database are `DOWN` with the text of the server, without
/// what it quotes.
#[cfg(feature = "sqlx-postgres")]
#[track_caller]
pub fn postgres(name: impl Into<String>, pool: &sqlx::PgPool) -> PoolProbe<sqlx::PgPool> {
    PoolProbe::new(name, pool.clone())
}

/// A check of a pool of MySQL or MariaDB.
#[cfg(feature = "sqlx-mysql")]
#[track_caller]
pub fn mysql(name: impl Into<String>, pool: &sqlx::MySqlPool) -> PoolProbe<sqlx::MySqlPool> {
    PoolProbe::new(name, pool.clone())
}

/// A check of a pool of SQLite.
///
/// A file that is missing is `DOWN`, although the connections to it still work. Opening a connection does not create it.
/// With [`writable`](PoolProbe::writable), each run changes the file, without changing what it holds, and so notices a full disk, a
/// file that is read-only, and another process that keeps the file locked.
#[cfg(feature = "sqlx-sqlite")]
#[track_caller]
pub fn sqlite(name: impl Into<String>, pool: &sqlx::SqlitePool) -> PoolProbe<sqlx::SqlitePool> {
    PoolProbe::new(name, pool.clone())
}

/// Asks a pool once, for a check that does more than that.
///
/// The deadline is that of the check. Outside of a check, it is 4 s.
pub async fn ping<D: Database>(pool: &Pool<D>) -> Health
where
    Pool<D>: pool::Pool,
{
    pool::ping(pool.clone()).await
}

mod private {
    use super::*;

    /// What differs between the databases.
    #[expect(unnameable_types, reason = "only this crate implements it")]
    pub trait Ask: Database {
        /// What an error of the server means.
        fn fault(error: &dyn DatabaseError) -> fn(String) -> Fault;

        /// What an error means that does not come from the server.
        fn broken(reason: String) -> Fault {
            Fault::Connection(reason)
        }

        /// Takes a connection of the pool, for which it may grow.
        fn acquire(
            pool: &Pool<Self>,
        ) -> impl Future<Output = Result<PoolConnection<Self>, Error>> + Send {
            pool.acquire()
        }

        /// Opens a connection, and nothing else.
        fn connect(
            pool: &Pool<Self>,
        ) -> impl Future<Output = Result<Self::Connection, Error>> + Send {
            let options = pool.connect_options();
            async move { Self::Connection::connect_with(&options).await }
        }

        /// Takes a connection that does not answer out of the pool.
        fn discard(pooled: PoolConnection<Self>) {
            drop(pooled.detach());
        }

        /// Asks for as much as tells whether the server answers.
        fn ping(
            connection: &mut Self::Connection,
        ) -> impl Future<Output = Result<(), Error>> + Send {
            connection.ping()
        }

        /// Whether the server is a standby, or accepts no writes for another reason.
        fn is_read_only(
            connection: &mut Self::Connection,
        ) -> impl Future<Output = Result<bool, Error>> + Send;

        fn version(
            connection: &mut Self::Connection,
        ) -> impl Future<Output = Result<String, Error>> + Send;
    }
}

impl<D: private::Ask> pool::Pool for Pool<D>
where
    for<'c> &'c mut D::Connection: Executor<'c, Database = D>,
{
    type Connection = D::Connection;
    type Pooled = PoolConnection<D>;

    fn usage(&self) -> Usage {
        Usage {
            size: self.size() as usize,
            idle: self.num_idle(),
            max: self.options().get_max_connections() as usize,
            waiting: None,
        }
    }

    async fn try_acquire(&self) -> Option<PoolConnection<D>> {
        Pool::try_acquire(self)
    }

    async fn acquire(&self) -> Result<PoolConnection<D>, Fault> {
        D::acquire(self).await.map_err(fault::<D>)
    }

    fn discard(&self, pooled: PoolConnection<D>) {
        D::discard(pooled);
    }

    fn is_closed(&self) -> bool {
        Pool::is_closed(self)
    }

    async fn connect(&self) -> Result<D::Connection, Fault> {
        D::connect(self).await.map_err(fault::<D>)
    }

    async fn close(&self, connection: D::Connection) {
        // It has answered, so that nothing depends on its end.
        _ = connection.close().await;
    }

    async fn ask(
        &self,
        connection: &mut D::Connection,
        question: &Question,
    ) -> Result<Answer, Fault> {
        match &question.query {
            Some(query) => execute::<D>(connection, query).await,
            None => ask::<D>(connection, question).await.map_err(fault::<D>),
        }
    }
}

impl<D: Database> pool::Standby for Pool<D> where Self: pool::Pool {}

async fn ask<D: private::Ask>(
    connection: &mut D::Connection,
    question: &Question,
) -> Result<Answer, Error>
where
    for<'c> &'c mut D::Connection: Executor<'c, Database = D>,
{
    D::ping(connection).await?;
    let read_only = question.writable && D::is_read_only(connection).await?;
    // It works without telling its version.
    let version = if question.version { D::version(connection).await.ok() } else { None };
    Ok(Answer { read_only, version })
}

async fn execute<D: private::Ask>(
    connection: &mut D::Connection,
    query: &str,
) -> Result<Answer, Fault>
where
    for<'c> &'c mut D::Connection: Executor<'c, Database = D>,
{
    // The simple protocol works behind every connection pooler.
    match connection.execute(raw_sql(AssertSqlSafe(query))).await {
        Ok(_) => Ok(Answer::default()),
        Err(error) => {
            let code = error.as_database_error().and_then(DatabaseError::code);
            let code = code.map(Cow::into_owned);
            Err(match (fault::<D>(error), code) {
                (Fault::Server(_), Some(code)) => Fault::query_failed(code),
                (fault, _) => fault,
            })
        }
    }
}

fn fault<D: private::Ask>(error: Error) -> Fault {
    match error {
        Error::Database(error) => D::fault(&*error)(redact(error.message())),
        Error::PoolTimedOut => Fault::PoolLate,
        error => D::broken(describe(&error)),
    }
}
