//! PostgreSQL.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use diesel::r2d2::ConnectionManager;
use diesel::{Connection, PgConnection};
use management_core::Check;
use management_indicators as indicators;
use rustix::process::Signal;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio_postgres::NoTls;

use crate::faults::{Client, PASSWORD, USER, answers};
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
fn program(name: &str) -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").expect("PostgreSQL is installed");
    let mut versions: Vec<_> = versions.map(|version| version.unwrap().path()).collect();
    versions.sort();
    versions.pop().expect("PostgreSQL is installed").join("bin").join(name)
}

/// The maximum of every pool.
const MAX: u32 = 3;

struct Sqlx(sqlx::PgPool);

impl Client for Sqlx {
    type Server = Postgres;

    const NAME: &str = "PostgreSQL, sqlx";

    async fn new(port: u16, password: &str) -> Self {
        let options = PgConnectOptions::new_without_pgpass().host("127.0.0.1").port(port);
        let options = options.username(USER).password(password).database("postgres");
        Sqlx(PgPoolOptions::new().max_connections(MAX).connect_lazy_with(options))
    }

    fn check(&self) -> Check {
        indicators::sqlx::postgres("it", &self.0).into()
    }

    fn is_settled(&self) -> bool {
        self.0.num_idle() > 0
    }

    async fn exhaust(&self) -> Option<Box<dyn Send>> {
        let mut taken = Vec::new();
        for _ in 0..MAX {
            taken.push(self.0.acquire().await.unwrap());
        }
        Some(Box::new(taken))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlx_on_postgres() {
    answers::<Sqlx>().await;
}

struct Deadpool(deadpool_postgres::Pool);

impl Client for Deadpool {
    type Server = Postgres;

    const NAME: &str = "PostgreSQL, deadpool";

    async fn new(port: u16, password: &str) -> Self {
        let manager = deadpool_postgres::Manager::new(config(port, password), NoTls);
        let pool = deadpool_postgres::Pool::builder(manager).max_size(MAX as usize);
        Deadpool(pool.build().unwrap())
    }

    fn check(&self) -> Check {
        indicators::deadpool::postgres("it", &self.0).into()
    }

    async fn exhaust(&self) -> Option<Box<dyn Send>> {
        let mut taken = Vec::new();
        for _ in 0..MAX {
            taken.push(self.0.get().await.unwrap());
        }
        // One more waits.
        let pool = self.0.clone();
        let waits = tokio::spawn(async move { pool.get().await.map(drop).unwrap() });
        while self.0.status().waiting == 0 {
            tokio::task::yield_now().await;
        }
        Some(Box::new((taken, waits)))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deadpool_on_postgres() {
    answers::<Deadpool>().await;
}

type Bb8Pool = bb8::Pool<bb8_postgres::PostgresConnectionManager<NoTls>>;

struct Bb8(Bb8Pool);

impl Client for Bb8 {
    type Server = Postgres;

    const NAME: &str = "PostgreSQL, bb8";

    async fn new(port: u16, password: &str) -> Self {
        let manager = bb8_postgres::PostgresConnectionManager::new(config(port, password), NoTls);
        Bb8(bb8::Pool::builder().max_size(MAX).build_unchecked(manager))
    }

    fn check(&self) -> Check {
        indicators::bb8::postgres("it", &self.0).into()
    }

    async fn exhaust(&self) -> Option<Box<dyn Send>> {
        let mut taken = Vec::new();
        for _ in 0..MAX {
            taken.push(self.0.get_owned().await.unwrap());
        }
        Some(Box::new(taken))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bb8_on_postgres() {
    answers::<Bb8>().await;
}

type DieselPool = diesel::r2d2::Pool<ConnectionManager<PgConnection>>;

struct Diesel(DieselPool, String);

impl Client for Diesel {
    type Server = Postgres;

    const NAME: &str = "PostgreSQL, diesel";

    async fn new(port: u16, password: &str) -> Self {
        let url = format!("postgres://{USER}:{password}@127.0.0.1:{port}/postgres");
        let manager = ConnectionManager::new(&url);
        let pool = diesel::r2d2::Pool::builder().max_size(MAX).min_idle(Some(0));
        Diesel(pool.build_unchecked(manager), url)
    }

    fn check(&self) -> Check {
        let url = self.1.clone();
        let check = indicators::diesel::r2d2("it", &self.0);
        check.connect_with(move || PgConnection::establish(&url)).into()
    }

    async fn exhaust(&self) -> Option<Box<dyn Send>> {
        let taken: Vec<_> = (0..MAX).map(|_| self.0.get().unwrap()).collect();
        Some(Box::new(taken))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn diesel_on_postgres() {
    answers::<Diesel>().await;
}

fn config(port: u16, password: &str) -> tokio_postgres::Config {
    let mut config = tokio_postgres::Config::new();
    config.host("127.0.0.1").port(port).user(USER).password(password).dbname("postgres");
    config
}
