//! RabbitMQ and other AMQP brokers, with `lapin`.
//!
//! ```no_run
//! # async fn build() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//!
//! use lapin::{Connection, ConnectionProperties};
//! use management_core::Management;
//!
//! let properties = ConnectionProperties::default().enable_auto_recover();
//! let connection = Arc::new(Connection::connect("amqp://localhost", properties).await?);
//! let management = Management::builder()
//!     .check(management_indicators::lapin::check("queue", &connection).readiness())
//!     .build()?;
//! # Ok(())
//! # }
//! ```
//!
//! Inside a function with an attribute, [`ping`] does the same. Its [`Broker`] is made once and is a state of the service:
//!
//! ```
//! use management_core::{Health, health_check};
//! use management_indicators as indicators;
//!
//! #[health_check("queue")]
//! async fn queue(broker: &indicators::lapin::Broker) -> Health {
//!     indicators::lapin::ping(broker).await
//! }
//! ```
//!
//! # What it asks
//!
//! 1. A connection that is not open is `DOWN`: `connection lost`, `connection closed`, `connection closing` or
//!    `reconnecting`. Without `enable_auto_recover`, lapin does not connect again, and a lost connection stays lost.
//! 2. A connection that the broker blocks, since it is short of memory or disk, is `DEGRADED` with `blocked by the broker`.
//!    RabbitMQ blocks a connection when it publishes, and lapin sends nothing while it is blocked. So a broker that
//!    hangs while it blocks the connection stays `DEGRADED` until lapin misses its heartbeats.
//! 3. Otherwise, the broker has to answer a `channel.flow` that changes nothing, on a channel of its own. The channel is
//!    opened once and kept, and opened again after the broker has closed it. `no channel: …` tells why it cannot be
//!    opened, such as the limit of channels of the connection.
//!
//! No run opens a connection. While the broker does not answer, later runs wait for the answer to the first question
//! instead of sending more of them.
//!
//! The detail is `latencyMs`, the time of the round trip. lapin does not tell the version of the broker.
//!
//! # Heartbeats
//!
//! A broker that hangs, and a network that drops packets, leave the connection open. lapin notices them when it has
//! received nothing for twice the negotiated heartbeat: RabbitMQ proposes 60 s, which makes 2 minutes. Until then, only
//! the round trip fails, with `timed out after 4s while waiting for an answer`. `?heartbeat=10` in the URI makes it
//! 20 s, and `?heartbeat=0` never.
//!
//! # Recovery
//!
//! lapin 4.12 may stay `reconnecting` for ever if a request is on its way at the moment when the broker closes the
//! connection, whether the request is one of the service or that of the check. Only a new connection helps then.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lapin::options::ChannelFlowOptions;
use lapin::{Channel, Connection, ConnectionStatus, Error};
use management_core::{Check, CurrentRun, Health};
use tokio::sync::Mutex;
use tokio::time::{MissedTickBehavior, interval};

use crate::error::describe;
use crate::time::{milliseconds, within_deadline};

/// How often the state of the connection is read while the broker is asked. lapin resolves nothing when a connection is
/// blocked or begins to reconnect.
const WATCH: Duration = Duration::from_millis(50);

/// A check of the broker behind a connection.
///
/// The check keeps the connection open, and one channel on it, until it is dropped.
#[track_caller]
pub fn check(name: impl Into<String>, connection: &Arc<Connection>) -> Check {
    let broker = Broker::new(connection);
    Check::new(name, move || {
        let broker = broker.clone();
        async move { ping(&broker).await }
    })
}

/// Asks a broker once, for a check that does more than that.
///
/// The deadline is that of the check. Outside of a check, it is 4 s.
pub async fn ping(broker: &Broker) -> Health {
    within_deadline(broker.health()).await
}

/// A connection, and the channel on which [`ping`] asks its broker.
///
/// A clone shares the channel. The connection stays open until the last clone is dropped.
#[derive(Clone)]
pub struct Broker {
    connection: Arc<Connection>,
    line: Arc<Mutex<Line>>,
}

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The status of the connection names its user.
        f.debug_struct("Broker").finish_non_exhaustive()
    }
}

/// What is kept between the runs.
#[derive(Default)]
struct Line {
    channel: Option<Channel>,
    /// The question that the broker has not answered yet. It outlives a run that was dropped, so that neither questions
    /// nor channels add up while the broker hangs.
    asking: Option<Asking>,
}

type Asking = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// The channel, if it can be used again, and how long the broker took.
type Answer = (Option<Channel>, Result<Duration, Failure>);

enum Failure {
    /// The channel cannot be opened.
    Open(Error),
    /// The channel has failed.
    Ask(Error),
    /// The connection is open again, and the channel is not.
    Reconnecting,
}

impl Broker {
    /// Makes the handle to ask the broker of this connection. Opens nothing.
    pub fn new(connection: &Arc<Connection>) -> Self {
        Broker { connection: Arc::clone(connection), line: Arc::default() }
    }

    async fn health(&self) -> Health {
        if let Some(health) = self.trouble() {
            return health;
        }
        tokio::select! {
            health = self.ask() => health,
            health = self.watch() => health,
        }
    }

    /// What the state of the connection tells without asking, unless it is open.
    fn trouble(&self) -> Option<Health> {
        let status = self.connection.status();
        if !status.connected() {
            return Some(Health::down(state(status)));
        }
        status.blocked().then(|| Health::degraded("blocked by the broker"))
    }

    /// Waits until the connection is not open any more.
    async fn watch(&self) -> Health {
        let mut ticks = interval(WATCH);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if let Some(health) = self.trouble() {
                return health;
            }
        }
    }

    async fn ask(&self) -> Health {
        CurrentRun::step("waiting for an answer");
        let mut line = self.line.lock().await;
        // The answer to the question of an earlier run does not tell how long the broker takes now.
        if line.asking.is_some() {
            _ = line.answer(&self.connection).await;
        }
        let was_open = line.channel.is_some();
        let mut answer = line.answer(&self.connection).await;
        if was_open && answer.is_err() {
            // The channel may have been closed since the previous run.
            answer = line.answer(&self.connection).await;
        }
        match answer {
            Ok(latency) => Health::up().detail("latencyMs", milliseconds(latency)),
            // An error of the connection is one of each channel.
            Err(failure) => self.trouble().unwrap_or_else(|| Health::down(failure)),
        }
    }
}

impl Line {
    /// The answer to the question that is on its way, or else to a new one.
    async fn answer(&mut self, connection: &Arc<Connection>) -> Result<Duration, Failure> {
        let channel = &mut self.channel;
        let asking = self
            .asking
            .get_or_insert_with(|| Box::pin(ask(Arc::clone(connection), channel.take())));
        let (channel, answer) = asking.await;
        self.asking = None;
        self.channel = channel;
        answer
    }
}

async fn ask(connection: Arc<Connection>, kept: Option<Channel>) -> Answer {
    let channel = match kept {
        Some(channel) => channel,
        None => {
            CurrentRun::step("opening a channel");
            match connection.create_channel().await {
                Ok(channel) => channel,
                Err(error) => return (None, Err(Failure::Open(error))),
            }
        }
    };
    CurrentRun::step("waiting for an answer");
    let begun = Instant::now();
    // It is active already. What lapin remembers of a channel would be replayed when it recovers; this is not.
    let answer = channel.channel_flow(ChannelFlowOptions { active: true }).await;
    let latency = begun.elapsed();
    let status = channel.status();
    // lapin opens a channel again that was open when the connection was lost, even if nobody has it any more.
    let is_usable = status.connected() || status.reconnecting();
    let answer = answer.map(|_| latency).map_err(|error| {
        if status.reconnecting() { Failure::Reconnecting } else { Failure::Ask(error) }
    });
    (is_usable.then_some(channel), answer)
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Open(error) => write!(f, "no channel: {}", describe(error)),
            Failure::Ask(error) => write!(f, "channel failed: {}", describe(error)),
            Failure::Reconnecting => f.write_str("reconnecting"),
        }
    }
}

/// The state of a connection that is not open.
fn state(status: &ConnectionStatus) -> &'static str {
    if status.errored() {
        "connection lost"
    } else if status.closed() {
        "connection closed"
    } else if status.closing() {
        "connection closing"
    } else {
        // It has been open before, or else nobody would have it.
        "reconnecting"
    }
}
