//! Pools of `diesel` with `r2d2`. They block, so each run is on a thread of its own.
//!
//! ```
//! # use diesel::r2d2::{ConnectionManager, Pool, R2D2Connection};
//! # fn build<C: R2D2Connection + 'static>(
//! #     pool: Pool<ConnectionManager<C>>,
//! #     url: String,
//! # ) -> Result<(), management_core::Error> {
//! use management_core::Management;
//!
//! let db = management_indicators::diesel::r2d2("db", &pool).connect_with(move || C::establish(&url));
//! let management = Management::builder().check(db.readiness()).build()?;
//! # Ok(())
//! # }
//! ```
//!
//! Inside a function with an attribute and without `async`, [`ping`] does the same:
//!
//! ```
//! # use diesel::r2d2::{ConnectionManager, Pool, R2D2Connection};
//! # fn database<C: R2D2Connection + 'static>(pool: &Pool<ConnectionManager<C>>) {
//! use management_indicators as indicators;
//!
//! let health = indicators::diesel::ping(pool);
//! # }
//! ```
//!
//! r2d2 opens connections only for itself. Without [`connect_with`](PoolProbe::connect_with), a pool that is full counts
//! as exhausted even if its server is down. r2d2 does not tell how many threads wait, so `waiting` is missing, and
//! diesel does not tell the `version`.

use std::fmt;
use std::sync::OnceLock;

use ::diesel::ConnectionResult;
use ::diesel::r2d2::{ConnectionManager, Pool, PooledConnection, R2D2Connection};
use ::diesel::result::{DatabaseErrorKind, Error};
use management_core::Health;

use crate::error::{describe, redact};
use crate::pool::{self, Answer, Fault, PoolProbe, Question, Usage};
use crate::time::allowed;

/// A check of a pool.
///
/// The check does not read what a query returns, so it has no `writable`. A [`query`](PoolProbe::query) that fails on a
/// standby does the same, such as `SELECT pg_current_wal_lsn()` of PostgreSQL.
#[track_caller]
pub fn r2d2<C: R2D2Connection + 'static>(
    name: impl Into<String>,
    pool: &Pool<ConnectionManager<C>>,
) -> PoolProbe<R2d2<C>> {
    PoolProbe::blocking(name, R2d2::new(pool))
}

/// Asks a pool once, for a check that does more than that. Blocks the thread, for as long as the client waits for the
/// server.
pub fn ping<C: R2D2Connection + 'static>(pool: &Pool<ConnectionManager<C>>) -> Health {
    pool::ping_blocking(R2d2::new(pool))
}

/// A pool, and how to connect past it.
pub struct R2d2<C: R2D2Connection + 'static> {
    pool: Pool<ConnectionManager<C>>,
    connect: OnceLock<Connect<C>>,
}

type Connect<C> = Box<dyn Fn() -> ConnectionResult<C> + Send + Sync>;

impl<C: R2D2Connection + 'static> R2d2<C> {
    fn new(pool: &Pool<ConnectionManager<C>>) -> Self {
        R2d2 { pool: pool.clone(), connect: OnceLock::new() }
    }
}

impl<C: R2D2Connection + 'static> fmt::Debug for R2d2<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("R2d2").field("pool", &self.pool).finish_non_exhaustive()
    }
}

impl<C: R2D2Connection + 'static> PoolProbe<R2d2<C>> {
    /// How to open a connection outside of the pool: the same way as the pool does. It tells a pool that is exhausted from
    /// a server that is down. Called again, it has no effect.
    pub fn connect_with(
        self,
        connect: impl Fn() -> ConnectionResult<C> + Send + Sync + 'static,
    ) -> Self {
        _ = self.pool().connect.set(Box::new(connect));
        self
    }
}

impl<C: R2D2Connection + 'static> pool::Pool for R2d2<C> {
    type Connection = C;
    type Pooled = PooledConnection<ConnectionManager<C>>;

    fn usage(&self) -> Usage {
        let state = self.pool.state();
        Usage {
            size: state.connections as usize,
            idle: state.idle_connections as usize,
            max: self.pool.max_size() as usize,
            waiting: None,
        }
    }

    async fn try_acquire(&self) -> Option<Self::Pooled> {
        self.pool.try_get()
    }

    async fn acquire(&self) -> Result<Self::Pooled, Fault> {
        // r2d2 tries again until then, and has no other way to tell why.
        self.pool.get_timeout(allowed() / 4).map_err(|error| match error.to_string() {
            // Without a colon, it is the time that has passed and no error of a connection.
            text if text.contains(": ") => refused(&text),
            _ => Fault::PoolLate,
        })
    }

    fn discard(&self, pooled: Self::Pooled) {
        drop(pooled);
    }

    fn can_connect(&self) -> bool {
        self.connect.get().is_some()
    }

    async fn connect(&self) -> Result<C, Fault> {
        match self.connect.get() {
            Some(connect) => connect().map_err(|error| refused(&error.to_string())),
            None => Err(Fault::PoolFull),
        }
    }

    async fn ask(&self, connection: &mut C, question: &Question) -> Result<Answer, Fault> {
        let asked = match &question.query {
            Some(query) => connection.batch_execute(query),
            None => connection.ping(),
        };
        match asked {
            Ok(()) => Ok(Answer::default()),
            Err(Error::DatabaseError(kind, _)) if question.query.is_some() => Err(match kind {
                DatabaseErrorKind::ClosedConnection => Fault::Connection("connection lost".into()),
                // The text of the server may contain parts of the query, and diesel does not tell the code.
                _ => Fault::Server("the query failed".into()),
            }),
            Err(Error::DatabaseError(kind, information)) => {
                let text = redact(information.message());
                Err(match kind {
                    DatabaseErrorKind::ClosedConnection => Fault::Connection(text),
                    _ => Fault::Server(text),
                })
            }
            Err(error) => Err(Fault::Connection(describe(&error))),
        }
    }
}

/// Why there is no connection. diesel has only the text of libpq: an address, then "failed: ", then the reason.
fn refused(text: &str) -> Fault {
    let why = text.rsplit("failed: ").next().and_then(|why| why.lines().next()).unwrap_or(text);
    let why = redact(why.trim_start_matches("FATAL:").trim_start());
    // The errors 53300 of PostgreSQL and 1040 of MySQL.
    if why.to_lowercase().contains("too many c") {
        Fault::ServerFull(why)
    } else {
        Fault::Connection(why)
    }
}
