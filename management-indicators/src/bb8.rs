//! Pools of `bb8-postgres`.
//!
//! ```
//! # use bb8_postgres::{PostgresConnectionManager, tokio_postgres::NoTls};
//! # fn build(
//! #     pool: bb8::Pool<PostgresConnectionManager<NoTls>>,
//! # ) -> Result<(), management_core::Error> {
//! use management_core::Management;
//!
//! let management = Management::builder()
//!     .check(management_indicators::bb8::postgres("db", &pool).readiness())
//!     .build()?;
//! # Ok(())
//! # }
//! ```
//!
//! Inside a function with an attribute, [`ping`] does the same:
//!
//! ```
//! use bb8_postgres::{PostgresConnectionManager, tokio_postgres::NoTls};
//! use management_core::{Health, health_check};
//! use management_indicators as indicators;
//!
//! #[health_check("db")]
//! async fn database(pool: &bb8::Pool<PostgresConnectionManager<NoTls>>) -> Health {
//!     indicators::bb8::ping(pool).await
//! }
//! ```
//!
//! bb8 counts a request that was given up as one that still waits, so `waiting` is missing. It has no function to take a
//! connection out of the pool: one that does not answer is `DEGRADED` while the server works.

use ::bb8::{ManageConnection, Pool, PooledConnection, RunError};
use bb8_postgres::PostgresConnectionManager;
use management_core::Health;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Error, Socket};

use crate::pool::{self, Answer, Fault, PoolProbe, Question, Standby, Usage};
use crate::postgres::client;

/// A check of a pool of PostgreSQL.
#[track_caller]
pub fn postgres<T>(
    name: impl Into<String>,
    pool: &Pool<PostgresConnectionManager<T>>,
) -> PoolProbe<Pool<PostgresConnectionManager<T>>>
where
    PostgresConnectionManager<T>: ManageConnection<Connection = Client, Error = Error>,
    T: MakeTlsConnect<Socket>,
{
    PoolProbe::new(name, pool.clone())
}

/// Asks a pool once, for a check that does more than that.
///
/// The deadline is that of the check. Outside of a check, it is 4 s.
pub async fn ping<T>(pool: &Pool<PostgresConnectionManager<T>>) -> Health
where
    PostgresConnectionManager<T>: ManageConnection<Connection = Client, Error = Error>,
    T: MakeTlsConnect<Socket>,
{
    pool::ping(pool.clone()).await
}

impl<T> pool::Pool for Pool<PostgresConnectionManager<T>>
where
    PostgresConnectionManager<T>: ManageConnection<Connection = Client, Error = Error>,
    T: MakeTlsConnect<Socket>,
{
    type Connection = Client;
    type Pooled = PooledConnection<'static, PostgresConnectionManager<T>>;

    fn usage(&self) -> Usage {
        let state = self.state();
        Usage {
            size: state.connections as usize,
            idle: state.idle_connections as usize,
            max: self.config().max_size as usize,
            waiting: None,
        }
    }

    async fn try_acquire(&self) -> Option<Self::Pooled> {
        if self.state().idle_connections == 0 {
            return None;
        }
        self.get_owned().await.ok()
    }

    async fn acquire(&self) -> Result<Self::Pooled, Fault> {
        self.get_owned().await.map_err(|error| match error {
            RunError::User(error) => client::fault(error),
            RunError::TimedOut => Fault::PoolLate,
        })
    }

    fn discard(&self, pooled: Self::Pooled) {
        drop(pooled);
    }

    fn can_discard(&self) -> bool {
        false
    }

    async fn connect(&self) -> Result<Client, Fault> {
        self.dedicated_connection().await.map_err(client::fault)
    }

    async fn ask(&self, connection: &mut Client, question: &Question) -> Result<Answer, Fault> {
        client::ask(connection, question).await
    }
}

impl<T> Standby for Pool<PostgresConnectionManager<T>>
where
    PostgresConnectionManager<T>: ManageConnection<Connection = Client, Error = Error>,
    T: MakeTlsConnect<Socket>,
{
}
