//! Redis.

mod clients;
mod server;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, IntoConnectionInfo, RedisConnectionInfo};

use crate::faults::{PASSWORD, USER};
use crate::server::Kind;

/// With a user and a password.
struct Redis;

impl Kind for Redis {
    fn prepare(folder: &Path) {
        let acl = format!("user default off\nuser {USER} on >{PASSWORD} ~* &* +@all\n");
        fs::write(folder.join("redis.conf"), acl).unwrap();
    }

    fn command(folder: &Path, port: u16) -> Command {
        command(folder, port)
    }

    fn is_ready(port: u16) -> bool {
        answers_at(port)
    }
}

/// Without a password.
struct Open;

impl Kind for Open {
    fn prepare(folder: &Path) {
        fs::write(folder.join("redis.conf"), "enable-debug-command yes\n").unwrap();
    }

    fn command(folder: &Path, port: u16) -> Command {
        command(folder, port)
    }

    fn is_ready(port: u16) -> bool {
        answers_at(port)
    }
}

fn command(folder: &Path, port: u16) -> Command {
    let mut command = Command::new("redis-server");
    command.arg(folder.join("redis.conf")).args(["--bind", "127.0.0.1", "--save", ""]);
    command.args(["--port", &port.to_string()]);
    command
}

/// Whether the server answers anything.
fn answers_at(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    stream.write_all(b"PING\r\n").is_ok() && stream.read(&mut [0]).is_ok_and(|read| read > 0)
}

fn client(port: u16, user: Option<(&str, &str)>) -> redis::Client {
    client_with(port, user, |settings| settings)
}

fn client_with(
    port: u16,
    user: Option<(&str, &str)>,
    set: impl FnOnce(RedisConnectionInfo) -> RedisConnectionInfo,
) -> redis::Client {
    let mut settings = set(RedisConnectionInfo::default());
    if let Some((name, password)) = user {
        settings = settings.set_username(name).set_password(password);
    }
    let address = ("127.0.0.1", port).into_connection_info().unwrap();
    redis::Client::open(address.set_redis_settings(settings)).unwrap()
}

/// A connection that waits as long as a busy machine needs.
async fn connect(client: &redis::Client) -> MultiplexedConnection {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(support::PATIENCE))
        .set_response_timeout(Some(support::PATIENCE));
    client.get_multiplexed_async_connection_with_config(&config).await.unwrap()
}
