//! Clients of `redis`, for Redis, Valkey and servers with their protocol.
//!
//! ```no_run
//! # async fn build() -> Result<(), Box<dyn std::error::Error>> {
//! use management_core::Management;
//!
//! let client = redis::Client::open("redis://127.0.0.1/")?;
//! let cache = client.get_connection_manager().await?;
//! let management = Management::builder()
//!     .check(management_indicators::redis::check("cache", &cache).writable().readiness())
//!     .build()?;
//! # Ok(())
//! # }
//! ```
//!
//! Inside a function with an attribute, [`ping`] does the same:
//!
//! ```
//! use management_core::{Health, health_check};
//! use management_indicators as indicators;
//!
//! #[health_check("cache")]
//! async fn cache(cache: &redis::aio::ConnectionManager) -> Health {
//!     indicators::redis::ping(cache).await
//! }
//! ```
//!
//! # Clients
//!
//! The response timeout of the client, 500 ms by default, does not end a run. The check asks again until its own deadline
//! passes.
//!
//! - A [`ConnectionManager`] reconnects. A run that finds the connection closed waits for the next one. The manager does
//!   not replace a connection that is open and does not answer, such as one through a router that has dropped it: the
//!   service cannot use the server then, and the check is `DOWN`. [`TcpSettings::set_user_timeout`] limits how long that
//!   takes. A manager also keeps the error for good if the server refuses the password while it reconnects.
//! - A [`Client`] has no connection. The check opens one and keeps it between runs. If it breaks, or does not answer within
//!   half of the deadline, the check closes it and opens another one in the same run.
//! - A [`MultiplexedConnection`] cannot reconnect. Once it has broken, the check is `DOWN` until the service makes another
//!   connection and another check. Prefer a manager.
//!
//! A command that blocks, such as `BLPOP`, delays every other command of its connection, and so the check.
//!
//! # Reasons
//!
//! | Status | Reason |
//! |---|---|
//! | `DOWN` | `cannot connect: Connection refused (os error 111)` |
//! | `DOWN` | `connection lost: broken pipe` |
//! | `DOWN` | `timed out after 4s while waiting for PONG` |
//! | `DOWN` | `authentication required`, `authentication failed`, `wrong user name or password` |
//! | `DOWN` | `no permission for PING`, `no permission for HELLO or SELECT` |
//! | `DOWN` | `max number of clients reached` |
//! | `DOWN` | `the replica has lost its master`, if it serves no stale data |
//! | `DOWN` | `the cluster is down`, for a server in cluster mode whose `cluster_state` is `fail` |
//! | `DOWN` | `busy with a script` |
//! | `DOWN` | `the peer is not Redis` |
//! | `DEGRADED` | `loading its data` |
//! | `DEGRADED` | `accepts no writes: cannot save to its disk` |
//!
//! Other errors of the server are `DOWN` with its text, without what it quotes.
//!
//! # Permissions
//!
//! The user needs `PING`. `INFO` and `CLUSTER INFO` are optional: without them, the version, the role and the state of the
//! cluster are not known.
//!
//! [`TcpSettings::set_user_timeout`]: redis::io::tcp::TcpSettings::set_user_timeout

mod probe;
mod reason;
mod server;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use management_core::{Check, Health};
use redis::Client;
use redis::aio::{ConnectionManager, MultiplexedConnection};

use crate::redis::probe::Probe;
use crate::setters::setters;
use crate::time::within_deadline;

/// Makes a check that sends a `PING` and waits for the answer.
///
/// The deadline is the `timeout` of the check. The details are `latencyMs`, the time until the answer to `PING`, `version`,
/// and `role`, which is `master` or `replica`. The version is asked once per connection, and again after a failure.
#[track_caller]
pub fn check(name: impl Into<String>, source: impl Into<Source>) -> RedisProbe {
    let probe = Arc::new(Probe::new(source.into().0));
    let own = Arc::clone(&probe);
    let check = Check::new(name, move || {
        let probe = Arc::clone(&own);
        async move { probe.health().await }
    });
    RedisProbe { check, probe }
}

/// Asks the server once, for a check that does more than that.
///
/// The deadline is that of the check. Outside of a check, it is 4 s. With a [`Client`], each call opens a connection of its
/// own and closes it.
pub async fn ping(source: impl Into<Source>) -> Health {
    let probe = Probe::new(source.into().0);
    within_deadline(probe.health()).await
}

/// A check of Redis, made by [`check`].
///
/// The setters of the indicator come first, since those of a check return a [`Check`].
#[must_use = "a probe does nothing until it is given to a builder or registered"]
pub struct RedisProbe {
    check: Check,
    probe: Arc<Probe>,
}

impl RedisProbe {
    /// Makes a server that accepts no writes `DOWN`: with `read only` if it is a replica, and with the cause, as in `read only:
    /// too few replicas`, for a master with `min-replicas-to-write`, without memory, or with a full disk.
    ///
    /// Each run sends `SETRANGE management:writable 0 ""`, a write that never changes or creates anything. The server refuses
    /// it as it refuses other writes. If the user may not execute it, the role alone decides. If the role is not known
    /// either, the check is `UNKNOWN`.
    pub fn writable(self) -> Self {
        self.probe.writable.store(true, Ordering::Relaxed);
        self
    }
}

impl fmt::Debug for RedisProbe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisProbe").field("check", &self.check).finish_non_exhaustive()
    }
}

setters!([] RedisProbe);

/// What a check asks: a [`ConnectionManager`], a [`Client`] or a [`MultiplexedConnection`], by reference.
pub struct Source(Kind);

#[derive(Clone)]
enum Kind {
    Client(Client),
    Connection(MultiplexedConnection),
    Manager(ConnectionManager),
}

impl From<&Client> for Source {
    fn from(client: &Client) -> Self {
        Source(Kind::Client(client.clone()))
    }
}

impl From<&MultiplexedConnection> for Source {
    fn from(connection: &MultiplexedConnection) -> Self {
        Source(Kind::Connection(connection.clone()))
    }
}

impl From<&ConnectionManager> for Source {
    fn from(manager: &ConnectionManager) -> Self {
        Source(Kind::Manager(manager.clone()))
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").finish_non_exhaustive()
    }
}
