//! The server PostgreSQL.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;

use crate::faults::{PASSWORD, USER};
use crate::server::{Kind, run_as};

pub(crate) struct Postgres;

impl Kind for Postgres {
    // Does not wait for clients.
    const STOP: Signal = Signal::INT;
    const USER: Option<&str> = Some("postgres");

    fn prepare(folder: &Path) {
        let password = folder.join("password");
        fs::write(&password, PASSWORD).unwrap();
        run_as::<Postgres>(
            Command::new(program("initdb"))
                .args(["--auth=scram-sha-256", "--no-sync", "--encoding=UTF8", "--locale=C"])
                .args(["--username", USER, "--pwfile"])
                .arg(password)
                .arg("--pgdata")
                .arg(folder.join("data")),
        );
    }

    fn command(folder: &Path, port: u16) -> Command {
        let mut command = Command::new(program("postgres"));
        command.arg("-D").arg(folder.join("data")).args(["-p", &port.to_string()]);
        for setting in ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off"] {
            command.args(["-c", setting]);
        }
        command
    }

    fn is_ready(port: u16) -> bool {
        let ready = Command::new(program("pg_isready"))
            .args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()])
            .status();
        ready.unwrap().success()
    }
}

/// Debian has a folder for each version.
pub(crate) fn program(name: &str) -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").expect("PostgreSQL is installed");
    let mut versions: Vec<_> = versions.map(|version| version.unwrap().path()).collect();
    versions.sort();
    versions.pop().expect("PostgreSQL is installed").join("bin").join(name)
}
