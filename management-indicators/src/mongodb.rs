//! MongoDB, with `mongodb`.
//!
//! ```no_run
//! # async fn build() -> Result<(), Box<dyn std::error::Error>> {
//! use management_core::Management;
//!
//! let client = mongodb::Client::with_uri_str("mongodb://localhost/?serverSelectionTimeoutMS=2000").await?;
//! let management = Management::builder()
//!     .check(management_indicators::mongodb::check("db", &client).writable().readiness())
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
//! async fn database(client: &mongodb::Client) -> Health {
//!     indicators::mongodb::ping(client).await
//! }
//! ```
//!
//! # What it asks
//!
//! A `hello` on the database `admin`, of a server that the client selects by its read preference. If it fails at once, as
//! on a connection that the server has closed, or on a primary that has just stepped down, the check asks once more.
//!
//! The details are `latencyMs`, the time of the `hello` with the selection of the server and the wait for a connection of
//! the pool, and `version`, which [`check`] asks for once and [`ping`] does not. The driver does not tell how many
//! connections of the pool are in use. So an exhausted pool is noticed only when no connection is free within the
//! deadline, and cannot be told from a server that does not answer.
//!
//! # What fails
//!
//! | Reason | Meaning |
//! |---|---|
//! | `cannot connect: Connection refused (os error 111)` | No connection can be opened. |
//! | `connection lost: unexpected end of file` | The connection broke, twice. |
//! | `authentication failed` | The server refuses the credentials. |
//! | `cannot resolve the host name` | The resolver does not know a server. |
//! | `the server answered Unauthorized` | The server answered with this error. |
//! | `read only` | [`writable`](Probe::writable): no server accepts writes. |
//! | `timed out after 4s while selecting a server` | No server works. |
//! | `timed out after 4s while waiting for a primary` | Only secondaries work, and the client reads from the primary. |
//! | `timed out after 4s while waiting for an answer` | The server hangs, or the pool is exhausted. |
//!
//! While no server works, the client tries for `serverSelectionTimeoutMS`, which is 30 s by default and thus longer than
//! the deadline of a check. It tells why the servers do not work only afterwards. With `serverSelectionTimeoutMS=2000`,
//! the reason is `cannot connect: …` instead of `timed out after 4s while selecting a server`. What the check knows without
//! that stands in parentheses: `timed out after 4s while selecting a server (cannot connect: Connection refused (os error
//! 111))`.
//!
//! This module is tested with a server of a few lines that speaks the protocol of MongoDB, and not with MongoDB itself.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use management_core::{Check, CurrentRun, Health};
use mongodb::bson::{Document, doc};
use mongodb::error::{Error, Result};
use mongodb::options::{ReadPreference, SelectionCriteria};
use mongodb::{Client, ServerInfo, ServerType};
use tokio::time::sleep;

use crate::setters::setters;
use crate::time::{milliseconds, within_deadline};

mod failure;

/// How long the client asks alone. After that, the check finds out what the client waits for.
const HEAD_START: Duration = Duration::from_millis(100);

/// A check of the servers of a client.
#[track_caller]
pub fn check(name: impl Into<String>, client: &Client) -> Probe {
    let state = Arc::new(State::new(client));
    let own = Arc::clone(&state);
    let check = Check::new(name, move || {
        let state = Arc::clone(&own);
        async move { state.health(true).await }
    });
    Probe { check, state }
}

/// Asks a server once, for a check that does more than that.
///
/// The deadline is that of the check. Outside of a check, it is 4 s.
pub async fn ping(client: &Client) -> Health {
    within_deadline(State::new(client).health(false)).await
}

/// A check of the servers of a client, from [`check`].
///
/// Its own setter comes first, since those of a check return a [`Check`].
#[must_use = "a probe does nothing until it is given to a builder or registered"]
pub struct Probe {
    check: Check,
    state: Arc<State>,
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Probe").field("check", &self.check).finish_non_exhaustive()
    }
}

setters!([] Probe);

impl Probe {
    /// Makes the check `DOWN` with `read only` if no server accepts writes. It asks the primary, whatever the read
    /// preference of the client is, or else a secondary.
    pub fn writable(self) -> Self {
        self.state.known().writable = true;
        self
    }
}

struct State {
    client: Client,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    writable: bool,
    /// The version, until a server fails: the next one may be another one.
    version: Option<String>,
    /// Why the last request had no answer.
    failure: Option<String>,
}

impl State {
    fn new(client: &Client) -> Self {
        State { client: client.clone(), known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn health(&self, with_version: bool) -> Health {
        let criteria = self.criteria();
        tokio::select! {
            health = self.decide(&criteria, with_version) => health,
            never = self.explain(&criteria) => match never {},
        }
    }

    fn criteria(&self) -> SelectionCriteria {
        if self.known().writable {
            // A secondary tells at once that there is no primary.
            return ReadPreference::PrimaryPreferred { options: None }.into();
        }
        self.client.selection_criteria().cloned().unwrap_or(ReadPreference::Primary.into())
    }

    async fn decide(&self, criteria: &SelectionCriteria, with_version: bool) -> Health {
        let hello = match self.hello(criteria).await {
            Err(error) if failure::is_worth_a_retry(&error) => {
                self.failed(&error);
                self.hello(criteria).await
            }
            hello => hello,
        };
        let (hello, latency) = match hello {
            Ok(answered) => answered,
            Err(error) => return Health::down(self.failed(&error)),
        };
        if with_version && self.known().version.is_none() {
            CurrentRun::step("reading the version");
            // A server that does not tell it works all the same.
            if let Ok(info) = self.run(doc! { "buildInfo": 1 }, criteria).await {
                self.known().version = info.get_str("version").ok().map(str::to_owned);
            }
        }
        let mut known = self.known();
        known.failure = None;
        let is_writable = hello.get_bool("isWritablePrimary").unwrap_or(false);
        let health =
            if known.writable && !is_writable { Health::down("read only") } else { Health::up() };
        let health = health.detail("latencyMs", milliseconds(latency));
        match &known.version {
            Some(version) => health.detail("version", version.as_str()),
            None => health,
        }
    }

    async fn hello(&self, criteria: &SelectionCriteria) -> Result<(Document, Duration)> {
        CurrentRun::step(selecting(self.known().failure.as_deref()));
        let begun = Instant::now();
        let hello = self.run(doc! { "hello": 1 }, criteria).await?;
        Ok((hello, begun.elapsed()))
    }

    async fn run(&self, command: Document, criteria: &SelectionCriteria) -> Result<Document> {
        let database = self.client.database("admin");
        database.run_command(command).selection_criteria(criteria.clone()).await
    }

    /// Remembers and returns why there is no answer.
    fn failed(&self, error: &Error) -> String {
        let why = failure::reason(error);
        let mut known = self.known();
        known.version = None;
        known.failure = Some(why.clone());
        why
    }

    /// Names what a run waits for, and never ends.
    async fn explain(&self, criteria: &SelectionCriteria) -> Infallible {
        sleep(HEAD_START).await;
        let failure = self.known().failure.clone();
        let servers = Mutex::new(HashMap::new());
        let criteria = criteria.clone();
        // A selection that takes no server is shown all of them, each time that one changes.
        let look = move |server: &ServerInfo<'_>| {
            let mut servers = servers.lock().unwrap_or_else(PoisonError::into_inner);
            servers.insert(server.address().clone(), Seen::new(server));
            CurrentRun::step(wait(servers.values(), &criteria, failure.as_deref()));
            false
        };
        let look = SelectionCriteria::Predicate(Arc::new(look));
        _ = self.run(doc! { "hello": 1 }, &look).await;
        std::future::pending().await
    }
}

/// What the client knows of a server.
struct Seen {
    kind: ServerType,
    failure: Option<String>,
}

impl Seen {
    fn new(server: &ServerInfo<'_>) -> Self {
        Seen { kind: server.server_type(), failure: server.error().map(failure::reason) }
    }

    fn is_allowed(&self, criteria: &SelectionCriteria) -> bool {
        match (self.kind, criteria) {
            (ServerType::Unknown, _) => false,
            (ServerType::RsSecondary, SelectionCriteria::ReadPreference(preference)) => {
                !matches!(preference, ReadPreference::Primary)
            }
            (ServerType::RsPrimary, SelectionCriteria::ReadPreference(preference)) => {
                !matches!(preference, ReadPreference::Secondary { .. })
            }
            _ => true,
        }
    }
}

/// What a run waits for, in words that follow "while".
fn wait<'a>(
    servers: impl Iterator<Item = &'a Seen> + Clone,
    criteria: &SelectionCriteria,
    failure: Option<&str>,
) -> String {
    if servers.clone().any(|server| server.is_allowed(criteria)) {
        return "waiting for an answer".into();
    }
    if servers.clone().any(|server| server.kind == ServerType::RsSecondary) {
        return "waiting for a primary".into();
    }
    if servers.clone().any(|server| server.kind == ServerType::RsPrimary) {
        return "waiting for a secondary".into();
    }
    let now = servers.clone().find_map(|server| server.failure.as_deref());
    selecting(now.or(failure))
}

fn selecting(failure: Option<&str>) -> String {
    failure.map_or_else(
        || "selecting a server".into(),
        |failure| format!("selecting a server ({failure})"),
    )
}
