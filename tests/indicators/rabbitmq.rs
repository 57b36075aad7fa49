//! RabbitMQ.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use lapin::{Connection, ConnectionProperties};
use management_core::{Check, Status};
use management_indicators as indicators;

use crate::faults::{Client, PASSWORD, USER, answers};
use crate::server::{Kind, Server, free_port, run_as};

/// With the user and the password of all tests.
pub(crate) struct RabbitMq;

impl Kind for RabbitMq {
    const USER: Option<&str> = Some("rabbitmq");

    fn prepare(folder: &Path) {
        let user = format!("default_user = {USER}\ndefault_pass = {PASSWORD}\n");
        fs::write(folder.join("rabbitmq.conf"), user).unwrap();
    }

    fn command(folder: &Path, port: u16) -> Command {
        let mut command = program("rabbitmq-server", folder, port);
        command
            .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_NODE_PORT", port.to_string())
            .env("RABBITMQ_DIST_PORT", free_port().to_string())
            .env("RABBITMQ_MNESIA_BASE", folder.join("data"))
            .env("RABBITMQ_LOG_BASE", folder.join("logs"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", folder.join("plugins"))
            .env("RABBITMQ_CONFIG_FILE", folder.join("rabbitmq.conf"))
            // The process is that of the broker, without a shell around it.
            .env("RABBITMQ_ALLOW_INPUT", "1")
            .env("RABBITMQ_SERVER_START_ARGS", "-noinput");
        command
    }

    /// By this daemon, the nodes of Erlang find each other. Otherwise, the broker starts one that outlives it.
    fn companion() -> Option<Command> {
        let mut command = Command::new("epmd");
        command.args(["-address", "127.0.0.1", "-port", &names_port()]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Some(command)
    }

    fn is_ready(port: u16) -> bool {
        let Ok(mut connection) = TcpStream::connect(("127.0.0.1", port)) else { return false };
        connection.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        // The header of AMQP 0-9-1, which the broker answers with a frame.
        connection.write_all(b"AMQP\0\0\x09\x01").is_ok()
            && connection.read_exact(&mut [0; 8]).is_ok()
    }
}

pub(crate) type Broker = Server<RabbitMq>;

impl Broker {
    /// Runs `rabbitmqctl`, and returns what it prints.
    pub(crate) fn control(&self, arguments: &[&str]) -> String {
        let mut command = program("rabbitmqctl", self.folder.path(), self.port);
        run_as::<RabbitMq>(command.arg("--quiet").args(arguments))
    }

    /// How many channels each connection has, in ascending order.
    pub(crate) fn channels(&self) -> Vec<usize> {
        let list = self.control(&["list_connections", "--no-table-headers", "channels"]);
        let mut channels: Vec<usize> = list.lines().map(|line| line.parse().unwrap()).collect();
        channels.sort_unstable();
        channels
    }
}

/// A connection that stays lost.
pub(crate) async fn connect(port: u16, query: &str) -> Arc<Connection> {
    open(port, query, ConnectionProperties::default()).await
}

/// A connection that connects again, and soon.
pub(crate) async fn recovering(port: u16) -> Arc<Connection> {
    let properties =
        ConnectionProperties::default().enable_auto_recover().configure_backoff(|backoff| {
            let backoff = backoff.with_min_delay(Duration::from_millis(50)).with_factor(1.0);
            backoff.with_max_times(10_000)
        });
    open(port, "", properties).await
}

async fn open(port: u16, query: &str, properties: ConnectionProperties) -> Arc<Connection> {
    let uri = format!("amqp://{USER}:{PASSWORD}@127.0.0.1:{port}/%2f{query}");
    Arc::new(Connection::connect(&uri, properties).await.unwrap())
}

struct Lapin(Arc<Connection>);

impl Client for Lapin {
    type Host = Broker;

    const NAME: &str = "RabbitMQ";
    // It waits for the heartbeats that it misses.
    const HALF_OPEN: Status = Status::Down;
    const IS_LAZY: bool = false;
    // It may stay `reconnecting` for ever, see the documentation of the indicator.
    const RECOVERS_WHILE_ASKED: bool = false;

    async fn new(port: u16, _: &str) -> Self {
        Lapin(recovering(port).await)
    }

    fn check(&self) -> Check {
        indicators::lapin::check("it", &self.0)
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "RabbitMQ takes long to start: scripts/test --all runs it"]
async fn lapin_on_rabbitmq() {
    answers::<Lapin>().await;
}

fn names_port() -> String {
    static PORT: OnceLock<u16> = OnceLock::new();
    PORT.get_or_init(free_port).to_string()
}

/// A program of RabbitMQ, for the broker in this folder.
fn program(name: &str, folder: &Path, port: u16) -> Command {
    // What is in the path runs it as its own user.
    let mut command = Command::new(PathBuf::from("/usr/lib/rabbitmq/bin").join(name));
    command
        .env("HOME", folder)
        .env("ERL_EPMD_PORT", names_port())
        .env("RABBITMQ_NODENAME", format!("test{port}@localhost"))
        .env("RABBITMQ_CONF_ENV_FILE", folder.join("none"));
    command
}
