//! Pools of connections, and the decision whether a pool is exhausted or its server is down.
//!
//! An indicator of this crate does that for each pool that it supports. For another pool, implement [`Pool`] and make a
//! [`PoolProbe`].

mod decision;
mod probe;
#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::DerefMut;

pub use crate::error::{describe, redact};
pub use probe::{PoolProbe, ping, ping_blocking};

/// A pool of connections, as [`PoolProbe`] sees it.
///
/// A future is dropped when the deadline of the run has passed, and must leave nothing behind.
///
/// ```
/// use std::collections::VecDeque;
/// use std::ops::{Deref, DerefMut};
/// use std::sync::{Arc, Mutex};
/// use management_indicators::pool::{Answer, Fault, Pool, PoolProbe, Question, Usage};
///
/// /// A pool of two connections to a server that always answers.
/// #[derive(Clone, Default)]
/// struct Two(Arc<Mutex<(usize, VecDeque<Connection>)>>);
///
/// struct Connection;
///
/// /// Goes back when it is dropped.
/// struct Pooled(Two, Option<Connection>);
///
/// impl Pool for Two {
///     type Connection = Connection;
///     type Pooled = Pooled;
///
///     fn usage(&self) -> Usage {
///         let (size, idle) = &*self.0.lock().unwrap();
///         Usage { size: *size, idle: idle.len(), max: 2, waiting: None }
///     }
///
///     async fn try_acquire(&self) -> Option<Pooled> {
///         let idle = self.0.lock().unwrap().1.pop_front()?;
///         Some(Pooled(self.clone(), Some(idle)))
///     }
///
///     async fn acquire(&self) -> Result<Pooled, Fault> {
///         let (size, _) = &mut *self.0.lock().unwrap();
///         if *size == 2 {
///             return Err(Fault::PoolFull);
///         }
///         *size += 1;
///         Ok(Pooled(self.clone(), Some(Connection)))
///     }
///
///     fn discard(&self, mut pooled: Pooled) {
///         self.0.lock().unwrap().0 -= 1;
///         pooled.1 = None;
///     }
///
///     async fn connect(&self) -> Result<Connection, Fault> {
///         Ok(Connection)
///     }
///
///     async fn ask(&self, _: &mut Connection, _: &Question) -> Result<Answer, Fault> {
///         Ok(Answer::default())
///     }
/// }
/// # impl Deref for Pooled {
/// #     type Target = Connection;
/// #     fn deref(&self) -> &Connection { self.1.as_ref().unwrap() }
/// # }
/// # impl DerefMut for Pooled {
/// #     fn deref_mut(&mut self) -> &mut Connection { self.1.as_mut().unwrap() }
/// # }
/// # impl Drop for Pooled {
/// #     fn drop(&mut self) {
/// #         if let Some(connection) = self.1.take() {
/// #             self.0.0.lock().unwrap().1.push_back(connection);
/// #         }
/// #     }
/// # }
///
/// let check = PoolProbe::new("db", Two::default()).readiness();
/// ```
pub trait Pool: Send + Sync + 'static {
    /// A connection outside of the pool.
    type Connection: Send;
    /// A connection of the pool. Dropping it gives it back.
    type Pooled: DerefMut<Target = Self::Connection> + Send;

    /// How many connections there are. Answers at once.
    fn usage(&self) -> Usage;

    /// An idle connection; `None` if there is none. Neither waits for one nor opens one.
    fn try_acquire(&self) -> impl Future<Output = Option<Self::Pooled>> + Send;

    /// A connection, for which the pool may grow and wait. It may be dropped while it waits.
    fn acquire(&self) -> impl Future<Output = Result<Self::Pooled, Fault>> + Send;

    /// Takes a connection that does not work out of the pool, and closes it without waiting.
    fn discard(&self, pooled: Self::Pooled);

    /// Whether [`discard`](Self::discard) does that. Otherwise, a connection that does not answer is `DEGRADED`, since the
    /// service may be given it.
    fn can_discard(&self) -> bool {
        true
    }

    /// Whether the service has closed the pool.
    fn is_closed(&self) -> bool {
        false
    }

    /// Whether [`connect`](Self::connect) is possible. Otherwise, a pool that is full counts as exhausted.
    fn can_connect(&self) -> bool {
        true
    }

    /// Opens a connection outside of the pool.
    fn connect(&self) -> impl Future<Output = Result<Self::Connection, Fault>> + Send;

    /// Closes a connection outside of the pool.
    fn close(&self, connection: Self::Connection) -> impl Future<Output = ()> + Send {
        drop(connection);
        std::future::ready(())
    }

    /// Asks the server what the question contains: a query if it has one, else for as much as tells that the server works.
    fn ask(
        &self,
        connection: &mut Self::Connection,
        question: &Question,
    ) -> impl Future<Output = Result<Answer, Fault>> + Send;
}

/// A pool that [tells](Answer::read_only) whether its server accepts writes.
pub trait Standby: Pool {}

/// How many connections a pool has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Open connections, idle or in use.
    pub size: usize,
    /// Connections that are not in use.
    pub idle: usize,
    /// How many connections the pool opens at most.
    pub max: usize,
    /// How many tasks wait for a connection, if the pool tells.
    pub waiting: Option<usize>,
}

impl Usage {
    fn is_full(self) -> bool {
        self.max <= self.size
    }

    fn is_exhausted(self) -> bool {
        self.is_full() && self.idle == 0
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let in_use = self.size.saturating_sub(self.idle);
        write!(f, "pool exhausted: {in_use} of {} in use", self.max)?;
        self.waiting.map_or(Ok(()), |waiting| write!(f, ", {waiting} waiting"))
    }
}

/// What a probe asks the server.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Question {
    /// Whether the answer has to tell if the server accepts writes.
    pub writable: bool,
    /// The query to execute in place of a ping.
    pub query: Option<String>,
    /// Whether the version of the server is not known yet.
    pub version: bool,
}

/// Without the query, which a log must not show.
impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Question { writable, query, version } = self;
        f.debug_struct("Question")
            .field("writable", writable)
            .field("has_query", &query.is_some())
            .field("version", version)
            .finish()
    }
}

/// What the server answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Whether it accepts no writes.
    pub read_only: bool,
    /// Its version, if the question asked for it.
    pub version: Option<String>,
}

/// Why there is no connection, or no answer. The reason names no address, user, database or query.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// There is no connection, or it has broken.
    Connection(String),
    /// The server answered with an error.
    Server(String),
    /// The server works, but accepts no more connections.
    ServerFull(String),
    /// All connections of the pool are in use, or are being opened.
    PoolFull,
    /// The pool has given no connection in time, and does not tell why.
    PoolLate,
}

impl Fault {
    /// A query that the server has refused. Only the code is told, since the text of the error may contain parts of the
    /// query.
    pub fn query_failed(code: impl fmt::Display) -> Self {
        Fault::Server(format!("the query failed with the code {code}"))
    }

    fn while_connecting(self) -> Self {
        match self {
            Fault::Connection(why) => Fault::Connection(format!("cannot connect: {why}")),
            // The server has answered, and tells enough.
            fault => fault,
        }
    }
}

impl From<Fault> for String {
    fn from(fault: Fault) -> String {
        match fault {
            Fault::Connection(reason) | Fault::Server(reason) | Fault::ServerFull(reason) => reason,
            Fault::PoolFull => "the pool is full".to_owned(),
            Fault::PoolLate => "the pool gives no connection".to_owned(),
        }
    }
}
