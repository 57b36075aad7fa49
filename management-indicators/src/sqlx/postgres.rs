use sqlx::error::DatabaseError;
use sqlx::{Error, PgConnection, Postgres, Row, raw_sql};

use super::private::Ask;
use crate::pool::Fault;

impl Ask for Postgres {
    fn fault(error: &dyn DatabaseError) -> fn(String) -> Fault {
        match error.code().as_deref() {
            // `too_many_connections`
            Some("53300") => Fault::ServerFull,
            // Connection exceptions, and those with which the server ends a connection.
            Some(code) if code.starts_with("08") || code.starts_with("57P") => Fault::Connection,
            _ => Fault::Server,
        }
    }

    async fn is_read_only(connection: &mut PgConnection) -> Result<bool, Error> {
        // A ping succeeds on a standby as well.
        let row =
            raw_sql("SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::bool")
                .fetch_one(connection)
                .await?;
        row.try_get(0)
    }

    async fn version(connection: &mut PgConnection) -> Result<String, Error> {
        let row = raw_sql("SHOW server_version").fetch_one(connection).await?;
        let version: String = row.try_get(0)?;
        // Debian appends the version of its package.
        Ok(version.split(' ').next().unwrap_or_default().to_owned())
    }
}
