use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use management_core::{CurrentRun, Health};
use redis::aio::{ConnectionLike, ConnectionManager, MultiplexedConnection};
use redis::{AsyncConnectionConfig, Client, RedisError, RedisResult};
use tokio::time::timeout;

use super::Kind;
use super::reason::{self, is_answer};
use super::server::{self, Known};
use crate::error::describe;
use crate::time::allowed;

const WAITING: &str = "waiting for PONG";

pub(super) struct Probe {
    source: Kind,
    pub(super) writable: AtomicBool,
    state: Mutex<State>,
}

/// What one run leaves for the next. A run takes it, so that a run that is dropped leaves nothing.
#[derive(Default)]
struct State {
    /// The connection of a `Client`.
    kept: Option<MultiplexedConnection>,
    /// What the server has told on the connection.
    known: Option<Known>,
    /// Why a manager reconnects.
    lost: Option<String>,
}

impl Probe {
    pub(super) fn new(source: Kind) -> Self {
        Probe { source, writable: AtomicBool::new(false), state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn health(&self) -> Health {
        match &self.source {
            Kind::Client(client) => self.ask_client(client).await,
            Kind::Connection(connection) => self.ask_connection(connection.clone()).await,
            Kind::Manager(manager) => self.ask_manager(manager.clone()).await,
        }
    }

    async fn ask_client(&self, client: &Client) -> Health {
        let kept = self.state().kept.take();
        CurrentRun::step("connecting");
        if let Some(connection) = kept {
            CurrentRun::step(WAITING);
            let allowed = allowed();
            match timeout(allowed / 2, self.ask_and_keep(connection)).await {
                Ok(Ok(health)) => return health,
                Ok(Err(_)) => CurrentRun::step("connecting again"),
                Err(_) => CurrentRun::step("connecting again, after the connection gave no answer"),
            }
        }
        // The runner has a deadline.
        let config =
            AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        let asked = match client.get_multiplexed_async_connection_with_config(&config).await {
            Ok(connection) => {
                CurrentRun::step(WAITING);
                self.ask_and_keep(connection).await
            }
            Err(error) if is_answer(&error) => Ok(reason::refused(&error, "HELLO or SELECT")),
            Err(error) => Err(error),
        };
        match asked {
            Ok(health) => health,
            Err(error) => reason::unreachable(client.get_connection_info().addr(), &error).await,
        }
    }

    async fn ask_and_keep(&self, mut connection: MultiplexedConnection) -> RedisResult<Health> {
        let health = self.ask(&mut connection).await?;
        self.state().kept = Some(connection);
        Ok(health)
    }

    async fn ask_connection(&self, mut connection: MultiplexedConnection) -> Health {
        CurrentRun::step(WAITING);
        // One request is enough, since the runner has a deadline.
        connection.set_response_timeout(Duration::MAX);
        self.ask(&mut connection).await.unwrap_or_else(|error| {
            Health::down(format_args!(
                "connection lost: {}; a MultiplexedConnection does not reconnect",
                describe(&error)
            ))
        })
    }

    async fn ask_manager(&self, mut manager: ConnectionManager) -> Health {
        let lost = self.state().lost.clone();
        CurrentRun::step(lost.map_or(WAITING.into(), reconnecting));
        let mut asked = self.ask(&mut manager).await;
        if let Err(error) = &asked
            && error.is_connection_dropped()
            && !error.is_connection_refusal()
        {
            // It may have been closed for long. The manager has noticed it now, and reconnects.
            let lost = describe(error);
            self.state().lost = Some(lost.clone());
            CurrentRun::step(reconnecting(lost));
            asked = self.ask(&mut manager).await;
        }
        self.state().lost = asked.as_ref().err().map(|error| describe(error));
        asked.unwrap_or_else(|error| reason::lost(&error))
    }

    /// Fails if there is no connection.
    async fn ask<C: ConnectionLike + Send>(
        &self,
        connection: &mut C,
    ) -> Result<Health, RedisError> {
        let known = self.state().known.take();
        let writable = self.writable.load(Ordering::Relaxed);
        let (health, known) = server::ask(connection, writable, known).await?;
        self.state().known = known;
        Ok(health)
    }
}

fn reconnecting(lost: String) -> std::borrow::Cow<'static, str> {
    format!("reconnecting ({lost})").into()
}
