//! What all clients of PostgreSQL have in common.

use crate::pool::Fault;

/// Whether the server accepts no writes, as a standby. A ping succeeds there.
pub(crate) const IS_READ_ONLY: &str =
    "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::bool";

pub(crate) const VERSION: &str = "SHOW server_version";

/// What an error with this SQLSTATE means.
pub(crate) fn fault(state: Option<&str>) -> fn(String) -> Fault {
    match state {
        // `too_many_connections`
        Some("53300") => Fault::ServerFull,
        // Connection exceptions, and those with which the server ends a connection.
        Some(state) if state.starts_with("08") || state.starts_with("57P") => Fault::Connection,
        _ => Fault::Server,
    }
}

/// The version without what a distribution appends: `15.4 (Debian 15.4-1)`.
pub(crate) fn version(text: &str) -> String {
    text.split(' ').next().unwrap_or_default().to_owned()
}

/// What pools of `tokio-postgres` have in common.
#[cfg(any(feature = "bb8-postgres", feature = "deadpool-postgres"))]
pub(crate) mod client {
    use tokio_postgres::{Client, Error, SimpleQueryMessage};

    use super::{IS_READ_ONLY, VERSION};
    use crate::error::{describe, redact};
    use crate::pool::{Answer, Fault, Question};

    pub(crate) async fn ask(client: &Client, question: &Question) -> Result<Answer, Fault> {
        // The simple protocol works behind every connection pooler, and an empty query is answered as well.
        if let Some(query) = &question.query {
            client.simple_query(query).await.map_err(query_fault)?;
            return Ok(Answer::default());
        }
        client.simple_query("").await.map_err(fault)?;
        let read_only =
            question.writable && value(client, IS_READ_ONLY).await?.as_deref() == Some("t");
        let version = if question.version {
            // It works without telling.
            let version = value(client, VERSION).await.ok().flatten();
            version.as_deref().map(super::version)
        } else {
            None
        };
        Ok(Answer { read_only, version })
    }

    /// The first value that a query returns.
    async fn value(client: &Client, query: &str) -> Result<Option<String>, Fault> {
        let messages = client.simple_query(query).await.map_err(fault)?;
        Ok(messages.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        }))
    }

    /// What the server says of a query may contain parts of it.
    fn query_fault(error: Error) -> Fault {
        let state = error.code().map(|state| state.code().to_owned());
        match (fault(error), state) {
            (Fault::Server(_), Some(state)) => Fault::query_failed(state),
            (fault, _) => fault,
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "it is given to `map_err`")]
    pub(crate) fn fault(error: Error) -> Fault {
        match error.as_db_error() {
            Some(refused) => super::fault(Some(refused.code().code()))(redact(refused.message())),
            None => Fault::Connection(describe(&error)),
        }
    }
}
