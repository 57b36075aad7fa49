use sqlx::error::DatabaseError;
use sqlx::mysql::MySqlDatabaseError;
use sqlx::{Error, MySql, MySqlConnection, Row, raw_sql};

use super::private::Ask;
use crate::pool::Fault;

impl Ask for MySql {
    fn fault(error: &dyn DatabaseError) -> fn(String) -> Fault {
        match error.try_downcast_ref::<MySqlDatabaseError>().map(MySqlDatabaseError::number) {
            // `ER_CON_COUNT_ERROR` and `ER_TOO_MANY_USER_CONNECTIONS`
            Some(1040 | 1203) => Fault::ServerFull,
            // `ER_SERVER_SHUTDOWN`, `ER_CONNECTION_KILLED` and `ER_CLIENT_INTERACTION_TIMEOUT`
            Some(1053 | 1927 | 4031) => Fault::Connection,
            _ => Fault::Server,
        }
    }

    async fn is_read_only(connection: &mut MySqlConnection) -> Result<bool, Error> {
        let row = raw_sql("SELECT @@global.read_only").fetch_one(connection).await?;
        row.try_get(0)
    }

    async fn version(connection: &mut MySqlConnection) -> Result<String, Error> {
        raw_sql("SELECT VERSION()").fetch_one(connection).await?.try_get(0)
    }
}
