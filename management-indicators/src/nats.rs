//! Clients of `async_nats`.
//!
//! ```no_run
//! # async fn build() -> Result<(), Box<dyn std::error::Error>> {
//! use management_core::Management;
//!
//! let client = async_nats::connect("127.0.0.1").await?;
//! let management = Management::builder()
//!     .check(management_indicators::nats::check("bus", &client).readiness())
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
//! #[health_check("bus")]
//! async fn bus(client: &async_nats::Client) -> Health {
//!     indicators::nats::ping(client).await
//! }
//! ```
//!
//! # Round trip
//!
//! `Client::flush` succeeds once the socket has taken the data, even if the server has stopped. The check therefore publishes
//! an empty message to an inbox of its own, and waits until the server delivers it. If the client connects with
//! `no_echo`, the server reports that the message has no other receiver, which proves as much.
//!
//! The user needs the permissions to publish and to subscribe to the inboxes of the client, `_INBOX.>` or those of
//! `custom_inbox_prefix`. Without them, the check is `DEGRADED` after half of the deadline.
//!
//! A connection that is open and carries nothing, such as one through a router that has dropped it, is `DOWN` until the
//! client replaces it. The client does so when three of its own pings in a row have no answer. It sends one each
//! `ping_interval`, 60 s by default.
//!
//! The client reports lame duck mode and slow consumers to its event callback alone, so the check does not see them.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_nats::client::{PublishErrorKind, SubscribeErrorKind};
use async_nats::connection::State;
use async_nats::{Client, Subscriber};
use futures_core::Stream;
use management_core::{Check, CurrentRun, Health};
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::error::describe;
use crate::time::{allowed, milliseconds, within_deadline};

const CLOSED: &str = "the client is closed";
const NOT_DELIVERED: &str =
    "the server does not deliver to the inbox: does the user have the permission?";

/// Makes a check that sends a message to itself through the server.
///
/// The deadline is the `timeout` of the check. The details are `latencyMs`, the time until the message arrives, and `version`.
///
/// | Status | Reason |
/// |---|---|
/// | `DOWN` | `disconnected`, while the client reconnects |
/// | `DOWN` | `connecting`, until the first connection of a client with `retry_on_initial_connect` |
/// | `DOWN` | `the client is closed`, once it was drained or has given up |
/// | `DOWN` | `timed out after 4s while waiting for a message to itself` |
/// | `DEGRADED` | `the server does not deliver to the inbox: does the user have the permission?` |
#[track_caller]
pub fn check(name: impl Into<String>, client: &Client) -> Check {
    let probe = Arc::new(Probe::new(client));
    Check::new(name, move || {
        let probe = Arc::clone(&probe);
        async move { probe.health().await }
    })
}

/// Sends one message through the server, for a check that does more than that.
///
/// The deadline is that of the check. Outside of a check, it is 4 s. Each call subscribes and unsubscribes, which a
/// [`check`] does only once.
pub async fn ping(client: &Client) -> Health {
    within_deadline(Probe::new(client).health()).await
}

struct Probe {
    client: Client,
    /// The subjects of the messages begin with it.
    inbox: String,
    /// Kept between runs. The client subscribes again when it reconnects.
    subscriber: Mutex<Option<Subscriber>>,
    sent: AtomicU64,
}

impl Probe {
    fn new(client: &Client) -> Self {
        Probe {
            client: client.clone(),
            inbox: client.new_inbox(),
            subscriber: Mutex::new(None),
            sent: AtomicU64::new(0),
        }
    }

    async fn health(&self) -> Health {
        let health = match self.not_connected() {
            Some(health) => health,
            None => self.round_trip().await.unwrap_or_else(Health::down),
        };
        match self.client.try_server_info() {
            Some(server) if !server.version.is_empty() => health.detail("version", server.version),
            _ => health,
        }
    }

    fn not_connected(&self) -> Option<Health> {
        match self.client.connection_state() {
            State::Connected => None,
            State::Pending => Some(Health::down("connecting")),
            State::Disconnected => Some(Health::down("disconnected")),
        }
    }

    async fn round_trip(&self) -> Result<Health, String> {
        let mut kept = self.subscriber.lock().await;
        let quarter = allowed() / 4;
        if let Some(health) = self.try_for(quarter, &mut kept).await? {
            return Ok(health);
        }
        // A server that denies a permission says so at once, and one that has stopped says nothing. What was already
        // underway has arrived by now.
        let received_before = self.received();
        *kept = None;
        if let Some(health) = self.try_for(quarter, &mut kept).await? {
            return Ok(health);
        }
        if self.received() > received_before {
            return Ok(Health::degraded(NOT_DELIVERED));
        }
        let health = self.try_for(Duration::MAX, &mut kept).await?;
        Ok(health.unwrap_or_else(|| Health::down("no answer")))
    }

    /// Sends a message and waits for it; `None` if it does not arrive within the time.
    async fn try_for(
        &self,
        allowed: Duration,
        kept: &mut Option<Subscriber>,
    ) -> Result<Option<Health>, String> {
        CurrentRun::step("sending a message to itself");
        let subscriber = match kept {
            Some(subscriber) => subscriber,
            none => {
                let subscribed = self.client.subscribe(format!("{}.*", self.inbox)).await;
                none.insert(subscribed.map_err(|error| match error.kind() {
                    SubscribeErrorKind::Other => CLOSED.into(),
                    _ => describe(&error),
                })?)
            }
        };
        let number = self.sent.fetch_add(1, Ordering::Relaxed);
        let subject = format!("{}.{number}", self.inbox);
        let begun = Instant::now();
        self.client
            .publish_with_reply(subject.clone(), subject.clone(), Default::default())
            .await
            .map_err(|error| match error.kind() {
                PublishErrorKind::Send => CLOSED.into(),
                _ => describe(&error),
            })?;
        CurrentRun::step("waiting for a message to itself");
        match timeout(allowed, receive(subscriber, &subject)).await {
            Ok(true) => {
                let latency = milliseconds(begun.elapsed());
                Ok(Some(Health::up().detail("latencyMs", latency)))
            }
            Ok(false) => Err(CLOSED.into()),
            Err(_) => Ok(self.not_connected()),
        }
    }

    /// How many bytes the client has received.
    fn received(&self) -> u64 {
        self.client.statistics().in_bytes.load(Ordering::Relaxed)
    }
}

/// Waits for the message with this subject, since those of earlier runs may still arrive. `false` if the client is closed.
async fn receive(subscriber: &mut Subscriber, subject: &str) -> bool {
    while let Some(message) = poll_fn(|context| Pin::new(&mut *subscriber).poll_next(context)).await
    {
        if message.subject.as_str() == subject {
            return true;
        }
    }
    false
}
