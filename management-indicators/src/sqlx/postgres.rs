use sqlx::error::DatabaseError;
use sqlx::{Error, PgConnection, Postgres, Row, raw_sql};

use super::private::Ask;
use crate::pool::Fault;
use crate::postgres;

impl Ask for Postgres {
    fn fault(error: &dyn DatabaseError) -> fn(String) -> Fault {
        postgres::fault(error.code().as_deref())
    }

    async fn is_read_only(connection: &mut PgConnection) -> Result<bool, Error> {
        raw_sql(postgres::IS_READ_ONLY).fetch_one(connection).await?.try_get(0)
    }

    async fn version(connection: &mut PgConnection) -> Result<String, Error> {
        let row = raw_sql(postgres::VERSION).fetch_one(connection).await?;
        Ok(postgres::version(row.try_get(0)?))
    }
}
