//! The decision.

use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use management_core::__private::Mutex;
use management_core::{CurrentRun, Health, Status};
use tokio::time::timeout;

use super::{Answer, Fault, Pool, Question, Usage};
use crate::time::{allowed, milliseconds};

/// How long the pool alone connects. Many pools retry a refused connection and do not tell why it was refused, so a
/// connection outside of the pool is then tried as well.
const HEAD_START: Duration = Duration::from_millis(100);

pub(super) struct Probe<P> {
    pub(super) pool: Arc<P>,
    pub(super) options: Mutex<Options>,
    /// Whether the futures of the pool block, and are then ready.
    blocks: bool,
    known: Mutex<Known>,
    /// A query that was not answered when its run ended.
    unanswered: Mutex<Option<Asking>>,
}

#[derive(Clone)]
pub(super) struct Options {
    pub(super) writable: bool,
    pub(super) query: Option<String>,
    pub(super) exhausted: Status,
    has_version: bool,
}

#[derive(Default)]
struct Known {
    /// The version, until a connection breaks: the next server may be another one.
    version: Option<String>,
    /// Whether a connection of the pool has answered, and none has failed since.
    has_answered: bool,
}

type Asking = Pin<Box<dyn Future<Output = Result<(), Fault>> + Send>>;

/// An answer, and how long the server took.
struct Answered {
    read_only: bool,
    latency: Duration,
}

impl<P> Probe<P> {
    pub(super) fn new(pool: P) -> Self {
        let options = Options {
            writable: false,
            query: None,
            exhausted: Status::Degraded,
            has_version: true,
        };
        Probe {
            pool: Arc::new(pool),
            options: Mutex::new(options),
            blocks: false,
            known: Mutex::default(),
            unanswered: Mutex::new(None),
        }
    }

    /// For a pool whose futures block, and are then ready.
    pub(super) fn blocking(pool: P) -> Self {
        Probe { blocks: true, ..Probe::new(pool) }
    }

    /// For one run, which does not ask for the version: it would be asked for in each run.
    pub(super) fn once(pool: P) -> Self {
        let probe = Probe::new(pool);
        probe.options.lock().has_version = false;
        probe
    }
}

impl<P: Pool> Probe<P> {
    /// The health of a pool whose futures block.
    pub(super) fn block(&self) -> Health {
        match pin!(self.health()).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(health) => health,
            Poll::Pending => Health::unknown("the pool does not block: use `PoolProbe::new`"),
        }
    }

    pub(super) async fn health(&self) -> Health {
        let usage = self.pool.usage();
        let found = if self.pool.is_closed() {
            Err("the pool is closed".to_owned())
        } else {
            self.decide(usage).await
        };
        found.unwrap_or_else(|why| {
            *self.known.lock() = Known::default();
            self.with_details(Health::down(why), None, self.pool.usage())
        })
    }

    async fn decide(&self, usage: Usage) -> Result<Health, String> {
        let unanswered = self.unanswered.lock().take();
        if let Some(asking) = unanswered
            && let Err(Fault::Server(why)) = self.wait(asking).await
        {
            return Err(why);
        }
        CurrentRun::step("pinging an idle connection");
        let asked = self.within(allowed() / 2, self.ask_idle()).await;
        let keeps_silent = asked.is_none() && !self.pool.can_discard();
        match asked {
            Some(Some(Ok((answered, pooled)))) => {
                self.finish(pooled).await?;
                return Ok(self.works(answered, usage));
            }
            Some(Some(Err(Fault::Server(why)))) => return Err(why),
            // No connection is idle.
            Some(None) => {}
            Some(Some(Err(_))) | None => *self.known.lock() = Known::default(),
        }
        let usage = self.pool.usage();
        if keeps_silent {
            // The pool may give that connection again.
            CurrentRun::step("connecting; a connection of the pool does not answer");
            return match self.connect().await {
                Ok(answered) => {
                    let why = "a connection of the pool does not answer, and the pool keeps it";
                    Ok(self.with_details(Health::degraded(why), Some(answered), usage))
                }
                Err(fault) => self.is_full_or_down(fault, usage),
            };
        }
        match usage.is_full() {
            true => self.connect_past(usage).await,
            false => self.grow(usage).await,
        }
    }

    async fn within<T>(&self, limit: Duration, future: impl Future<Output = T>) -> Option<T> {
        if self.blocks { Some(future.await) } else { timeout(limit, future).await.ok() }
    }

    /// What an idle connection answers, if there is one.
    async fn ask_idle(&self) -> Option<Result<(Answered, P::Pooled), Fault>> {
        let pooled = self.pool.try_acquire().await?;
        Some(self.ask_pooled(pooled).await)
    }

    /// Opens a connection of the pool.
    async fn grow(&self, before: Usage) -> Result<Health, String> {
        CurrentRun::step("connecting");
        let acquired = self.acquire(before).await?;
        CurrentRun::step("waiting for an answer over a new connection");
        let fault = match acquired {
            Ok(pooled) => match self.ask_pooled(pooled).await {
                Ok((answered, pooled)) => {
                    self.finish(pooled).await?;
                    return Ok(self.works(answered, self.pool.usage()));
                }
                Err(Fault::Server(why)) => return Err(why),
                // Some pools give a connection that has broken.
                Err(_) => None,
            },
            Err(fault) => Some(fault),
        };
        if !self.pool.can_connect() {
            return match fault {
                None | Some(Fault::PoolFull) => Ok(self.is_exhausted(self.pool.usage(), None)),
                Some(fault) => self.is_full_or_down(fault.while_connecting(), before),
            };
        }
        // The error of a connection tells more than that of the pool.
        CurrentRun::step("connecting");
        let answered = match self.connect().await {
            Ok(answered) => answered,
            Err(why) => return self.is_full_or_down(why, before),
        };
        let usage = self.pool.usage();
        match fault {
            None => Ok(self.works(answered, usage)),
            Some(Fault::PoolFull) if usage.is_full() => {
                Ok(self.is_exhausted(usage, Some(answered)))
            }
            Some(Fault::PoolFull) => {
                let why = format!("pool exhausted: all {} in use or being opened", usage.max);
                Ok(self.is_exhausted(why, Some(answered)))
            }
            Some(Fault::PoolLate) if usage.is_exhausted() => {
                Ok(self.is_exhausted(usage, Some(answered)))
            }
            Some(Fault::PoolLate) => {
                Err("the server answers, but the pool opens no connection".into())
            }
            Some(fault) => Err(fault.into()),
        }
    }

    /// A connection of the pool, or why there is none. If no connection can be opened past the pool either, that decides.
    async fn acquire(&self, before: Usage) -> Result<Result<P::Pooled, Fault>, String> {
        let mut acquire = pin!(self.pool.acquire());
        if let Some(acquired) = self.within(HEAD_START, &mut acquire).await {
            return Ok(acquired);
        }
        if self.pool.can_connect() {
            tokio::select! {
                acquired = &mut acquire => return Ok(acquired),
                connected = self.connect() => match connected {
                    Ok(_) => CurrentRun::step("waiting for the pool to open a connection"),
                    Err(fault @ Fault::ServerFull(_)) if before.size > 0 => return Ok(Err(fault)),
                    Err(fault) => return Err(fault.into()),
                }
            }
        }
        // The pool may do more with a new connection than to open it.
        let acquired = self.within(allowed() / 2, acquire).await;
        Ok(acquired.unwrap_or(Err(Fault::PoolLate)))
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
                Ok(match usage.is_exhausted() {
                    true => self.is_exhausted(usage, Some(answered)),
                    false => self.works(answered, usage),
                })
            }
            Err(fault) => self.is_full_or_down(fault, usage),
        }
    }

    /// The health if no connection can be opened.
    fn is_full_or_down(&self, fault: Fault, usage: Usage) -> Result<Health, String> {
        match fault {
            // The server works for the connections that are open. Some pools count those that they are opening.
            Fault::ServerFull(why) if usage.size > 0 && self.known.lock().has_answered => {
                let why = if usage.is_exhausted() { format!("{why} ({usage})") } else { why };
                Ok(self.is_exhausted(why, None))
            }
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

    /// Asks over a connection of the pool. One that does not answer does not go back.
    async fn ask_pooled(&self, pooled: P::Pooled) -> Result<(Answered, P::Pooled), Fault> {
        let mut taken = Taken { pool: &*self.pool, pooled: Some(pooled) };
        let answered = self.ask(taken.connection()).await;
        match answered {
            Ok(answered) => {
                self.known.lock().has_answered = true;
                Ok((answered, taken.give_back()))
            }
            Err(fault @ Fault::Server(_)) => {
                drop(taken.give_back());
                Err(fault)
            }
            Err(fault) => Err(fault),
        }
    }

    async fn ask(&self, connection: &mut P::Connection) -> Result<Answered, Fault> {
        let Options { writable, has_version, .. } = *self.options.lock();
        let version = has_version && self.known.lock().version.is_none();
        let question = Question { writable, version, query: None };
        let begun = Instant::now();
        let answer = self.pool.ask(connection, &question).await?;
        let latency = begun.elapsed();
        let Answer { read_only, version } = answer;
        if version.is_some() {
            self.known.lock().version = version;
        }
        Ok(Answered { read_only, latency })
    }

    /// Executes the query over a connection that has answered, and gives the connection back.
    async fn finish(&self, pooled: P::Pooled) -> Result<(), String> {
        let Some(query) = self.options.lock().query.clone() else { return Ok(()) };
        let pool = Arc::clone(&self.pool);
        let asking = async move {
            let mut taken = Taken { pool: &*pool, pooled: Some(pooled) };
            let question = Question { query: Some(query), ..Question::default() };
            let answered = pool.ask(taken.connection(), &question).await;
            if !matches!(answered, Err(Fault::Connection(_))) {
                drop(taken.give_back());
            }
            answered.map(drop)
        };
        self.wait(Box::pin(asking)).await.map_err(String::from)
    }

    /// Waits for the answer to a query. If the run ends before, the next one goes on to wait: dropping a connection does
    /// not end its query, and each run would leave one more on the server.
    async fn wait(&self, asking: Asking) -> Result<(), Fault> {
        CurrentRun::step("waiting for the answer to the query");
        let mut waiting = Waiting { unanswered: &self.unanswered, asking: Some(asking) };
        let answered = poll_fn(|context| match &mut waiting.asking {
            Some(asking) => asking.as_mut().poll(context),
            None => Poll::Ready(Ok(())),
        })
        .await;
        waiting.asking = None;
        answered
    }

    fn works(&self, answered: Answered, usage: Usage) -> Health {
        let health = if answered.read_only { Health::down("read only") } else { Health::up() };
        self.with_details(health, Some(answered), usage)
    }

    fn is_exhausted(&self, why: impl fmt::Display, answered: Option<Answered>) -> Health {
        let health = match self.options.lock().exhausted {
            _ if answered.as_ref().is_some_and(|answered| answered.read_only) => {
                Health::down(format_args!("read only ({why})"))
            }
            Status::Up => Health::up(),
            Status::Degraded => Health::degraded(why),
            Status::OutOfService => Health::out_of_service(why),
            Status::Unknown => Health::unknown(why),
            _ => Health::down(why),
        };
        self.with_details(health, answered, self.pool.usage())
    }

    fn with_details(&self, health: Health, answered: Option<Answered>, usage: Usage) -> Health {
        let mut health =
            health.detail("size", usage.size).detail("idle", usage.idle).detail("max", usage.max);
        if let Some(waiting) = usage.waiting {
            health = health.detail("waiting", waiting);
        }
        if let Some(answered) = answered {
            health = health.detail("latencyMs", milliseconds(answered.latency));
        }
        if let Some(version) = &self.known.lock().version {
            health = health.detail("version", version.as_str());
        }
        health
    }
}

/// A connection that the probe has taken from the pool. If the run ends before the server has answered, it does not go
/// back.
struct Taken<'a, P: Pool> {
    pool: &'a P,
    pooled: Option<P::Pooled>,
}

impl<P: Pool> Taken<'_, P> {
    fn connection(&mut self) -> &mut P::Connection {
        self.pooled.as_mut().expect("it is given back at the end")
    }

    /// The connection, which goes back when it is dropped.
    fn give_back(mut self) -> P::Pooled {
        self.pooled.take().expect("it is given back once")
    }
}

impl<P: Pool> Drop for Taken<'_, P> {
    fn drop(&mut self) {
        if let Some(pooled) = self.pooled.take() {
            self.pool.discard(pooled);
        }
    }
}

/// A query for whose answer a run waits.
struct Waiting<'a> {
    unanswered: &'a Mutex<Option<Asking>>,
    asking: Option<Asking>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Some(asking) = self.asking.take() {
            *self.unanswered.lock() = Some(asking);
        }
    }
}
