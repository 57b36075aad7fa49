//! Pools of `deadpool-postgres`.
//!
//! ```
//! # fn build(pool: deadpool_postgres::Pool) -> Result<(), management_core::Error> {
//! use management_core::Management;
//!
//! let management = Management::builder()
//!     .check(management_indicators::deadpool::postgres("db", &pool).readiness())
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
//! #[health_check("db")]
//! async fn database(pool: &deadpool_postgres::Pool) -> Health {
//!     indicators::deadpool::ping(pool).await
//! }
//! ```

use std::time::Duration;

use ::deadpool::managed::Manager as _;
use deadpool_postgres::{ClientWrapper, Manager, Object, Pool, PoolError, TimeoutType, Timeouts};
use management_core::Health;

use crate::pool::{self, Answer, Fault, PoolProbe, Question, Standby, Usage};
use crate::postgres::client;

/// A check of a pool of PostgreSQL.
#[track_caller]
pub fn postgres(name: impl Into<String>, pool: &Pool) -> PoolProbe<Pool> {
    PoolProbe::new(name, pool.clone())
}

/// Asks a pool once, for a check that does more than that.
///
/// The deadline is that of the check. Outside of a check, it is 4 s.
pub async fn ping(pool: &Pool) -> Health {
    pool::ping(pool.clone()).await
}

/// Does not wait while the pool is full. By itself, deadpool waits for ever.
const AT_ONCE: Timeouts = Timeouts { wait: Some(Duration::ZERO), create: None, recycle: None };

impl pool::Pool for Pool {
    type Connection = ClientWrapper;
    type Pooled = Object;

    fn usage(&self) -> Usage {
        let status = self.status();
        Usage {
            size: status.size,
            idle: status.available,
            max: status.max_size,
            waiting: Some(status.waiting),
        }
    }

    async fn try_acquire(&self) -> Option<Object> {
        if self.status().available == 0 {
            return None;
        }
        self.timeout_get(&AT_ONCE).await.ok()
    }

    async fn acquire(&self) -> Result<Object, Fault> {
        self.timeout_get(&AT_ONCE).await.map_err(|error| match error {
            PoolError::Backend(error) => client::fault(error),
            PoolError::Timeout(TimeoutType::Wait) => Fault::PoolFull,
            _ => Fault::Connection("the pool has opened no connection".into()),
        })
    }

    fn discard(&self, pooled: Object) {
        drop(Object::take(pooled));
    }

    fn is_closed(&self) -> bool {
        Pool::is_closed(self)
    }

    async fn connect(&self) -> Result<ClientWrapper, Fault> {
        Manager::create(self.manager()).await.map_err(client::fault)
    }

    async fn ask(
        &self,
        connection: &mut ClientWrapper,
        question: &Question,
    ) -> Result<Answer, Fault> {
        client::ask(connection, question).await
    }
}

impl Standby for Pool {}
