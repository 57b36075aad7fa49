//! The decision.

use std::fmt;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use management_core::{Check, CurrentRun, Health, Status};
use tokio::time::timeout;

use super::{Fault, Pool, Question, Standby, Usage};
use crate::setters::setters;
use crate::time::{allowed, milliseconds, within_deadline};

/// How long the pool alone connects. Many pools retry a refused connection and do not tell why it was refused, so a
/// connection outside of the pool is then tried as well.
const HEAD_START: Duration = Duration::from_millis(100);

/// Decides for a pool of connections whether it works, is exhausted, or its server is down.
///
/// 1. If a connection is idle, the probe pings it. One that has broken, or does not answer within half of the deadline, is
///    taken out of the pool, and the probe goes on.
/// 2. If the pool may grow, the probe connects. A failure is `DOWN` with the error of the connection.
/// 3. If the pool is full, the probe opens one connection outside of it. The result is `DEGRADED` with
///    `pool exhausted: 10 of 10 in use, 4 waiting`, or `DOWN` with the error if that connection fails as well.
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
        let probe = Arc::new(Probe { blocks: true, ..Probe::new(pool) });
        let own = Arc::clone(&probe);
        let check = Check::blocking(name, move || own.block());
        PoolProbe { check, probe }
    }
}

impl<P: Standby> PoolProbe<P> {
    /// Makes a server that accepts no writes `DOWN`, with `read only`. A standby accepts none.
    pub fn writable(self) -> Self {
        self.probe.options().question.writable = true;
        self
    }
}

impl<P> PoolProbe<P> {
    /// Executes this query in place of a ping. The check is `DOWN` if it fails.
    pub fn query(self, query: impl Into<String>) -> Self {
        self.probe.options().question.query = Some(query.into());
        self
    }

    #[cfg(feature = "diesel-r2d2")]
    pub(crate) fn pool(&self) -> &P {
        &self.probe.pool
    }

    /// The status while the pool is exhausted and the server works. Defaults to [`Status::Degraded`].
    pub fn exhausted(self, status: Status) -> Self {
        self.probe.options().exhausted = status;
        self
    }
}

/// Asks a pool once. The deadline is that of the current run of a check, or 4 s.
pub async fn ping<P: Pool>(pool: P) -> Health {
    let probe = Probe::new(pool);
    within_deadline(probe.health()).await
}

/// Like [`ping`], for a pool whose futures block and are then ready.
pub fn ping_blocking<P: Pool>(pool: P) -> Health {
    Probe { blocks: true, ..Probe::new(pool) }.block()
}

struct Probe<P> {
    pool: P,
    /// Whether the futures of the pool block, and are then ready.
    blocks: bool,
    options: Mutex<Options>,
}

#[derive(Clone)]
struct Options {
    question: Question,
    exhausted: Status,
    /// The version, until a connection fails: the next server may be another one.
    version: Option<String>,
}

impl<P> Probe<P> {
    fn new(pool: P) -> Self {
        let question = Question::default();
        let options = Options { question, exhausted: Status::Degraded, version: None };
        Probe { pool, blocks: false, options: Mutex::new(options) }
    }

    fn options(&self) -> MutexGuard<'_, Options> {
        self.options.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<P: Pool> Probe<P> {
    /// The health of a pool whose futures block.
    fn block(&self) -> Health {
        match pin!(self.health()).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(health) => health,
            Poll::Pending => Health::unknown("the pool does not block: use `PoolProbe::new`"),
        }
    }

    async fn health(&self) -> Health {
        CurrentRun::step("pinging an idle connection");
        let half = allowed() / 2;
        let found = match self.within(half, self.ask_idle()).await {
            Some(Some(Ok(answered))) => Ok(self.works(answered)),
            Some(Some(Err(Fault::Server(why)))) => Err(why),
            // No connection is idle, or it has broken.
            _ => match self.pool.usage() {
                usage if usage.is_full() => self.connect_past(usage).await,
                usage => self.grow(usage).await,
            },
        };
        found.unwrap_or_else(|why| {
            self.options().version = None;
            self.with_details(Health::down(why), None)
        })
    }

    async fn within<T>(&self, limit: Duration, future: impl Future<Output = T>) -> Option<T> {
        if self.blocks { Some(future.await) } else { timeout(limit, future).await.ok() }
    }

    /// The answer of an idle connection, if there is one.
    async fn ask_idle(&self) -> Option<Result<Answered, Fault>> {
        let pooled = self.pool.try_acquire().await?;
        Some(self.ask_pooled(pooled).await)
    }

    /// Opens a connection of the pool.
    async fn grow(&self, before: Usage) -> Result<Health, String> {
        CurrentRun::step("connecting");
        let mut acquire = pin!(self.pool.acquire());
        let acquired = match self.within(HEAD_START, &mut acquire).await {
            Some(acquired) => acquired,
            None if self.pool.can_connect() => tokio::select! {
                acquired = &mut acquire => acquired,
                connected = self.connect() => return match connected {
                    Ok(answered) => Ok(self.works(answered)),
                    Err(fault) => self.is_full_or_down(fault, before),
                },
            },
            None => acquire.await,
        };
        let fault = match acquired {
            Ok(pooled) => match self.ask_pooled(pooled).await {
                Ok(answered) => return Ok(self.works(answered)),
                Err(fault) => return Err(fault.into()),
            },
            Err(fault) => fault,
        };
        // The error of a connection tells more than that of the pool.
        let connected = match self.pool.can_connect() {
            true => self.connect().await,
            false => Err(fault.clone().while_connecting()),
        };
        match connected {
            Ok(_) => Err(fault.into()),
            Err(why) => self.is_full_or_down(why, before),
        }
    }

    /// Decides for a full pool.
    async fn connect_past(&self, usage: Usage) -> Result<Health, String> {
        CurrentRun::step(format!("connecting past the pool ({usage})"));
        if !self.pool.can_connect() {
            return Ok(self.is_exhausted(usage, None));
        }
        match self.connect().await {
            Ok(answered) => {
                // It may have been full for a moment only.
                let usage = self.pool.usage();
                Ok(if usage.is_exhausted() {
                    self.is_exhausted(usage, Some(answered))
                } else {
                    self.works(answered)
                })
            }
            Err(fault) => self.is_full_or_down(fault, usage),
        }
    }

    /// The health if no connection can be opened.
    fn is_full_or_down(&self, fault: Fault, usage: Usage) -> Result<Health, String> {
        match fault {
            // The server works for the connections that are open.
            Fault::ServerFull(why) if usage.size > 0 => Ok(self.is_exhausted(why, None)),
            fault if usage.is_exhausted() => Err(format!("{} ({usage})", String::from(fault))),
            fault => Err(fault.into()),
        }
    }

    /// Asks over a connection outside of the pool.
    async fn connect(&self) -> Result<Answered, Fault> {
        let mut connection = self.pool.connect().await.map_err(Fault::while_connecting)?;
        let answered = self.ask(&mut connection).await;
        self.pool.close(connection).await;
        answered
    }

    /// Asks over a connection of the pool, which is given back if the server answers.
    async fn ask_pooled(&self, pooled: P::Pooled) -> Result<Answered, Fault> {
        let mut taken = Taken { pool: &self.pool, pooled: Some(pooled) };
        let Some(connection) = &mut taken.pooled else { unreachable!("it has just been set") };
        let answered = self.ask(connection).await;
        if matches!(answered, Ok(_) | Err(Fault::Server(_))) {
            // Dropping it gives it back.
            taken.pooled = None;
        }
        answered
    }

    async fn ask(&self, connection: &mut P::Connection) -> Result<Answered, Fault> {
        let options = self.options().clone();
        let question = Question { version: options.version.is_none(), ..options.question };
        let begun = Instant::now();
        let answer = self.pool.ask(connection, &question).await?;
        let latency = begun.elapsed();
        if let Some(version) = &answer.version {
            self.options().version = Some(version.clone());
        }
        Ok(Answered { read_only: answer.read_only, latency })
    }

    fn works(&self, answered: Answered) -> Health {
        let health = if answered.read_only { Health::down("read only") } else { Health::up() };
        self.with_details(health, Some(answered))
    }

    fn is_exhausted(&self, why: impl fmt::Display, answered: Option<Answered>) -> Health {
        let health = match self.options().exhausted {
            _ if answered.as_ref().is_some_and(|answered| answered.read_only) => {
                Health::down(format_args!("read only ({why})"))
            }
            Status::Up => Health::up(),
            Status::Degraded => Health::degraded(why),
            Status::OutOfService => Health::out_of_service(why),
            Status::Unknown => Health::unknown(why),
            _ => Health::down(why),
        };
        self.with_details(health, answered)
    }

    fn with_details(&self, health: Health, answered: Option<Answered>) -> Health {
        let usage = self.pool.usage();
        let mut health =
            health.detail("size", usage.size).detail("idle", usage.idle).detail("max", usage.max);
        if let Some(waiting) = usage.waiting {
            health = health.detail("waiting", waiting);
        }
        if let Some(answered) = answered {
            health = health.detail("latencyMs", milliseconds(answered.latency));
        }
        if let Some(version) = &self.options().version {
            health = health.detail("version", version.as_str());
        }
        health
    }
}

/// An answer, and how long the server took.
struct Answered {
    read_only: bool,
    latency: Duration,
}

/// A connection that the probe has taken from the pool. If the run ends before the server has answered, it does not go
/// back.
struct Taken<'a, P: Pool> {
    pool: &'a P,
    pooled: Option<P::Pooled>,
}

impl<P: Pool> Drop for Taken<'_, P> {
    fn drop(&mut self) {
        if let Some(pooled) = self.pooled.take() {
            self.pool.discard(pooled);
        }
    }
}
