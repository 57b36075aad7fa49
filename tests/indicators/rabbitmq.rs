//! RabbitMQ.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use crate::server::{Kind, Server, free_port, run_as};

pub(crate) struct RabbitMq;

impl Kind for RabbitMq {
    const USER: Option<&str> = Some("rabbitmq");

    fn command(folder: &Path, port: u16) -> Command {
        let mut command = program("rabbitmq-server", folder, port);
        command
            .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_NODE_PORT", port.to_string())
            .env("RABBITMQ_DIST_PORT", free_port().to_string())
            .env("RABBITMQ_MNESIA_BASE", folder.join("data"))
            .env("RABBITMQ_LOG_BASE", folder.join("logs"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", folder.join("plugins"))
            .env("RABBITMQ_CONFIG_FILE", folder.join("none"))
            // The process is that of the broker, without a shell around it.
            .env("RABBITMQ_ALLOW_INPUT", "1")
            .env("RABBITMQ_SERVER_START_ARGS", "-noinput");
        command
    }

    fn is_ready(port: u16) -> bool {
        TcpStream::connect(("127.0.0.1", port)).is_ok()
    }
}

/// A broker, and the daemon by which the nodes of Erlang find each other.
pub(crate) struct Broker {
    pub(crate) server: Server,
    _names: Names,
}

impl Broker {
    pub(crate) fn start() -> Self {
        // Otherwise, the broker starts one that outlives it.
        let names = Names::start();
        Broker { server: Server::start::<RabbitMq>(), _names: names }
    }

    /// Runs `rabbitmqctl`, and returns what it prints.
    pub(crate) fn control(&self, arguments: &[&str]) -> String {
        let mut command = program("rabbitmqctl", self.server.folder.path(), self.server.port);
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

struct Names(Child);

impl Names {
    fn start() -> Self {
        let mut command = Command::new("epmd");
        command.args(["-address", "127.0.0.1", "-port", &names_port()]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Names(command.spawn().expect("Erlang is installed"))
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
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
