//! The check of a pool.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use management_core::__private::complain;
use management_core::{Check, Health, Status};

use super::decision::Probe;
use super::{Pool, Standby};
use crate::setters::setters;
use crate::time::within_deadline;

/// Decides for a pool of connections whether it works, is exhausted, or its server is down.
///
/// 1. If a connection is idle, the probe pings it. One that has broken, or does not answer within half of the deadline, is
///    taken out of the pool, and the probe goes on.
/// 2. If the pool may grow, the probe connects. A failure is `DOWN` with the error of the connection.
/// 3. If the pool is full, the probe opens one connection outside of it. The result is `DEGRADED` with
///    `pool exhausted: 10 of 10 in use, 4 waiting`, or `DOWN` with the error if that connection fails as well.
///
/// Past the pool, it only pings. [`query`](Self::query) is for the connections of the pool, which are prepared as the service
/// needs them.
///
/// The deadline is the `timeout` of the check. The details are `latencyMs`, `size`, `idle`, `max`, and `waiting` and
/// `version` where they are known. No text contains the address, a user or a query.
///
/// The setters of the indicator come first, since those of a check return a [`Check`].
#[must_use = "a probe does nothing until it is given to a builder or registered"]
pub struct PoolProbe<P> {
    check: Check,
    probe: Arc<Probe<P>>,
}

impl<P> fmt::Debug for PoolProbe<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolProbe").field("check", &self.check).finish_non_exhaustive()
    }
}

setters!([P] PoolProbe<P>);

impl<P: Pool> PoolProbe<P> {
    /// Makes a check of this name.
    #[track_caller]
    pub fn new(name: impl Into<String>, pool: P) -> Self {
        let probe = Arc::new(Probe::new(pool));
        let own = Arc::clone(&probe);
        let check = Check::new(name, move || {
            let probe = Arc::clone(&own);
            async move { probe.health().await }
        });
        PoolProbe { check, probe }
    }

    /// Like [`new`](Self::new), for a pool whose futures block and are then ready. Each run is on a thread of its own.
    #[track_caller]
    pub fn blocking(name: impl Into<String>, pool: P) -> Self {
        let probe = Arc::new(Probe::blocking(pool));
        let own = Arc::clone(&probe);
        let check = Check::blocking(name, move || own.block());
        PoolProbe { check, probe }
    }
}

impl<P: Standby> PoolProbe<P> {
    /// Makes a server that accepts no writes `DOWN`, with `read only`. A standby accepts none.
    pub fn writable(self) -> Self {
        self.probe.options.lock().writable = true;
        self
    }
}

impl<P> PoolProbe<P> {
    /// Executes this query as well, over a connection of the pool. The check is `DOWN` if it fails. The reason tells the
    /// code of the error, and nothing of the query.
    ///
    /// A query that is not answered before the deadline goes on, and later runs wait for it: a server does not end a query
    /// because its client has gone.
    pub fn query(mut self, query: impl Into<String>) -> Self {
        let query = query.into();
        if query.trim().is_empty() {
            let complaint = "its query is empty: give `query` a statement, or leave it out";
            self.check = complain(self.check, [complaint.to_owned()]);
        }
        self.probe.options.lock().query = Some(query);
        self
    }

    #[cfg(feature = "diesel-r2d2")]
    pub(crate) fn pool(&self) -> &P {
        &self.probe.pool
    }

    /// The status while the pool is exhausted and the server works. Defaults to [`Status::Degraded`].
    pub fn exhausted(self, status: Status) -> Self {
        self.probe.options.lock().exhausted = status;
        self
    }
}

/// Asks a pool once. The deadline is that of the current run of a check, or 4 s.
pub async fn ping<P: Pool>(pool: P) -> Health {
    within_deadline(Probe::once(pool).health()).await
}

/// Like [`ping`], for a pool whose futures block and are then ready.
pub fn ping_blocking<P: Pool>(pool: P) -> Health {
    Probe::blocking(pool).block()
}
