//! What a probe asks over a connection.

use std::time::{Duration, Instant};

use management_core::{CurrentRun, Health};
use redis::aio::ConnectionLike;
use redis::{Cmd, RedisError, RedisResult, Value, cmd};
use tokio::time::sleep;

use super::reason::{self, is_answer};
use crate::time::milliseconds;

/// How long after a response timeout of the client the command is sent again.
const PAUSE: Duration = Duration::from_millis(50);

/// What a server tells once per connection.
pub(super) struct Known {
    version: Option<String>,
    is_cluster: bool,
    /// Whether the user may execute `INFO`. Each refusal would be an entry of the server's log.
    may_ask: bool,
}

/// Fails if the connection does. The other results have what is known of the server, unless it is to be asked again.
pub(super) async fn ask<C: ConnectionLike + Send>(
    connection: &mut C,
    writable: bool,
    known: Option<Known>,
) -> RedisResult<(Health, Option<Known>)> {
    let begun = Instant::now();
    let pong = query(connection, &cmd("PING")).await?;
    let latency = milliseconds(begun.elapsed());
    match pong {
        Ok(Value::SimpleString(text)) if text == "PONG" => {}
        Ok(_) => return Ok((Health::down("unexpected answer to PING"), None)),
        Err(error) if writable && error.code() == Some("MISCONF") => {
            return Ok((Health::down("read only: cannot save to its disk"), None));
        }
        Err(error) => return Ok((reason::refused(&error, "PING"), None)),
    }

    CurrentRun::step("asking for its role");
    let (role, known) = inform(connection, known).await?;
    let mut health = Health::up();
    if known.is_cluster {
        CurrentRun::step("asking for the state of the cluster");
        let state = query(connection, cmd("CLUSTER").arg("INFO")).await?.map(text);
        if state.is_ok_and(|info| field(&info, "cluster_state") == Some("fail")) {
            health = Health::down("the cluster is down");
        }
    }
    if writable && health.reason().is_none() {
        health = try_to_write(connection, role).await?;
    }

    health = health.detail("latencyMs", latency);
    if let Some(version) = &known.version {
        health = health.detail("version", version.as_str());
    }
    if let Some(role) = role {
        health = health.detail("role", role);
    }
    Ok((health, Some(known)))
}

/// The role, and what else `INFO` tells.
async fn inform<C: ConnectionLike + Send>(
    connection: &mut C,
    known: Option<Known>,
) -> RedisResult<(Option<&'static str>, Known)> {
    let mut command = cmd("INFO");
    match &known {
        Some(Known { may_ask: false, .. }) => return Ok((None, known.unwrap_or_default())),
        // The role changes while a connection is open.
        Some(_) => _ = command.arg("replication"),
        None => {}
    }
    let Ok(answer) = query(connection, &command).await? else {
        return Ok((None, Known { may_ask: false, ..known.unwrap_or_default() }));
    };
    let info = text(answer);
    let role = match field(&info, "role") {
        Some("master") => Some("master"),
        Some("slave" | "replica") => Some("replica"),
        _ => None,
    };
    let known = known.unwrap_or_else(|| Known {
        // Valkey tells the version of Redis with which it is compatible as well.
        version: field(&info, "valkey_version")
            .or(field(&info, "redis_version"))
            .map(str::to_owned),
        is_cluster: field(&info, "cluster_enabled") == Some("1"),
        may_ask: true,
    });
    Ok((role, known))
}

/// Writes nothing into a string, which the server refuses whenever it refuses writes.
async fn try_to_write<C: ConnectionLike + Send>(
    connection: &mut C,
    role: Option<&str>,
) -> RedisResult<Health> {
    if role == Some("replica") {
        return Ok(Health::down("read only"));
    }
    CurrentRun::step("trying to write");
    let mut command = cmd("SETRANGE");
    command.arg("management:writable").arg(0).arg("");
    let Err(error) = query(connection, &command).await? else { return Ok(Health::up()) };
    Ok(match error.code() {
        Some("READONLY") => Health::down("read only"),
        Some("NOREPLICAS") => Health::down("read only: too few replicas"),
        Some("OOM") => Health::down("read only: out of memory"),
        Some("MISCONF") => Health::down("read only: cannot save to its disk"),
        Some("CLUSTERDOWN" | "LOADING" | "MASTERDOWN") => reason::refused(&error, "SETRANGE"),
        // The key belongs to another server of the cluster, or the user may not write it.
        _ if role.is_some() => Health::up(),
        _ => Health::unknown("no permission to ask whether it accepts writes"),
    })
}

/// The answer to a command. The outer error is that of the connection, the inner one that of the server.
async fn query<C: ConnectionLike + Send>(
    connection: &mut C,
    command: &Cmd,
) -> RedisResult<Result<Value, RedisError>> {
    loop {
        match command.query_async(connection).await {
            Ok(answer) => return Ok(Ok(answer)),
            Err(error) if is_answer(&error) => return Ok(Err(error)),
            // The deadline is that of the check, which may be later than that of the client.
            Err(error) if error.is_timeout() => sleep(PAUSE).await,
            Err(error) => return Err(error),
        }
    }
}

fn text(answer: Value) -> String {
    match answer {
        Value::BulkString(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => text,
        _ => String::new(),
    }
}

/// A field of an answer to `INFO` or `CLUSTER INFO`.
fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

impl Default for Known {
    fn default() -> Self {
        Known { version: None, is_cluster: false, may_ask: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let info = "# Server\r\nredis_version:7.0.15\r\nrole_x:1\r\nrole:master\r\n";
        assert_eq!(field(info, "role"), Some("master"));
        assert_eq!(field(info, "redis_version"), Some("7.0.15"));
        assert_eq!(field(info, "redis"), None);
        assert_eq!(field("", "role"), None);
    }
}
