use std::path::PathBuf;
use std::{fs, io};

use sqlx::error::DatabaseError;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Error, Pool, Row, Sqlite, SqliteConnection, raw_sql,
};

use super::private::Ask;
use crate::flights::Flights;
use crate::pool::Fault;
use crate::time::allowed;

/// The primary code of a write to a database that is read-only.
const READ_ONLY: i32 = 8;

impl Ask for Sqlite {
    fn fault(_: &dyn DatabaseError) -> fn(String) -> Fault {
        // There is no connection that could break.
        Fault::Server
    }

    fn broken(reason: String) -> Fault {
        Fault::Server(reason)
    }

    fn discard(pooled: PoolConnection<Sqlite>) {
        // It is the database if that is in memory, and a file is never half-open.
        drop(pooled);
    }

    async fn acquire(pool: &Pool<Sqlite>) -> Result<PoolConnection<Sqlite>, Error> {
        // The pool may create a file that is missing, which is up to the program.
        Self::connect(pool).await?.close().await?;
        pool.acquire().await
    }

    async fn connect(pool: &Pool<Sqlite>) -> Result<SqliteConnection, Error> {
        let options = SqliteConnectOptions::clone(&pool.connect_options());
        let file = options.get_filename();
        // SQLite and sqlx have names of their own for databases in memory.
        if !file.starts_with(":memory:") && !file.to_string_lossy().starts_with("file:") {
            look_at(file.to_owned()).await?;
        }
        options.create_if_missing(false).connect().await
    }

    async fn ping(connection: &mut SqliteConnection) -> Result<(), Error> {
        let list = raw_sql("PRAGMA database_list").fetch_one(&mut *connection).await?;
        let file: String = list.try_get("file")?;
        // An open connection keeps working after its file is gone. A database in memory has none.
        if !file.is_empty() {
            look_at(file.into()).await?;
        }
        // Reads from the file, which a ping does not.
        within_deadline(connection, async |connection: &mut SqliteConnection| {
            raw_sql("PRAGMA schema_version").fetch_one(connection).await.map(drop)
        })
        .await
    }

    async fn is_read_only(connection: &mut SqliteConnection) -> Result<bool, Error> {
        within_deadline(connection, async |connection: &mut SqliteConnection| {
            let written = write(connection).await;
            if written.is_err() {
                // There may be no transaction any more.
                _ = raw_sql("ROLLBACK").execute(&mut *connection).await;
            }
            match written {
                Err(Error::Database(error)) if primary_code(&*error) == Some(READ_ONLY) => Ok(true),
                written => written.map(|()| false),
            }
        })
        .await
    }

    async fn version(connection: &mut SqliteConnection) -> Result<String, Error> {
        raw_sql("SELECT sqlite_version()").fetch_one(connection).await?.try_get(0)
    }
}

/// Whether the file is there. On a dead mount that takes for ever, and a connection would leave a thread behind.
async fn look_at(file: PathBuf) -> Result<(), Error> {
    static FLIGHTS: Flights<PathBuf, bool> = Flights::new();
    let path = file.clone();
    match FLIGHTS.join(file, move || fs::metadata(path).is_ok()).await {
        Ok(true) => Ok(()),
        // As SQLite calls it when a connection is opened.
        Ok(false) => Err(Error::Io(io::Error::other("unable to open database file"))),
        Err(why) => Err(Error::Io(io::Error::other(why))),
    }
}

/// Writes what is already there, which SQLite writes all the same.
async fn write(connection: &mut SqliteConnection) -> Result<(), Error> {
    raw_sql("BEGIN IMMEDIATE").execute(&mut *connection).await?;
    let row = raw_sql("PRAGMA user_version").fetch_one(&mut *connection).await?;
    let version: i64 = row.try_get(0)?;
    let write = format!("PRAGMA user_version = {version}; COMMIT");
    raw_sql(AssertSqlSafe(write)).execute(connection).await.map(drop)
}

/// Waits for locks for a quarter of the deadline. With sqlx's default of 5 s, the reason would be the deadline and not the
/// lock.
async fn within_deadline<T>(
    connection: &mut SqliteConnection,
    work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, Error>,
) -> Result<T, Error> {
    let row = raw_sql("PRAGMA busy_timeout").fetch_one(&mut *connection).await?;
    let before: i64 = row.try_get(0)?;
    let allowed = allowed() / 4;
    let set = |milliseconds: i128| {
        raw_sql(AssertSqlSafe(format!("PRAGMA busy_timeout = {milliseconds}")))
    };
    let allowed = i128::from(before).min(allowed.as_millis() as i128);
    set(allowed).execute(&mut *connection).await?;
    let done = work(connection).await;
    set(before.into()).execute(connection).await?;
    done
}

fn primary_code(error: &dyn DatabaseError) -> Option<i32> {
    let extended: i32 = error.code()?.parse().ok()?;
    Some(extended & 0xff)
}
