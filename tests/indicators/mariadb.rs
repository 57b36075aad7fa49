//! MariaDB.

use std::fs;
use std::io::Read;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use management_core::{Check, Status};
use management_indicators as indicators;
use sqlx::mysql::{MySqlConnectOptions, MySqlPoolOptions, MySqlSslMode};

use crate::faults::{Client, PASSWORD, Service, USER, answers};
use crate::pools::{MAX, take_all};
use crate::server::{Kind, Server, run_as};

struct MariaDb;

impl Kind for MariaDb {
    const USER: Option<&str> = Some("mysql");

    fn prepare(folder: &Path) {
        run_as::<MariaDb>(
            Command::new("mariadb-install-db")
                .args([
                    "--no-defaults",
                    "--skip-test-db",
                    "--auth-root-authentication-method=normal",
                ])
                .arg(format!("--datadir={}", folder.join("data").display())),
        );
        let user = format!("'{USER}'@'%' IDENTIFIED BY '{PASSWORD}'");
        let sql = format!(
            "CREATE DATABASE IF NOT EXISTS shop; CREATE USER IF NOT EXISTS {user}; GRANT ALL ON *.* TO {user};"
        );
        fs::write(folder.join("init.sql"), sql.replace("; ", ";\n")).unwrap();
    }

    fn command(folder: &Path, port: u16) -> Command {
        let mut command = Command::new("mariadbd");
        let path = |name| folder.join(name).display().to_string();
        command
            .args([
                "--no-defaults",
                "--bind-address=127.0.0.1",
                "--innodb-flush-log-at-trx-commit=0",
            ])
            .args([format!("--datadir={}", path("data")), format!("--port={port}")])
            .args([
                format!("--socket={}", path("socket")),
                format!("--init-file={}", path("init.sql")),
            ])
            .arg(format!("--pid-file={}", path("pid")));
        command
    }

    fn is_ready(port: u16) -> bool {
        let Ok(mut connection) = TcpStream::connect(("127.0.0.1", port)) else { return false };
        connection.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        // The server speaks first: a packet of at least a few bytes.
        connection.read_exact(&mut [0; 8]).is_ok()
    }
}

struct Sqlx(sqlx::MySqlPool);

impl Client for Sqlx {
    type Host = Server<MariaDb>;

    const NAME: &str = "MariaDB, sqlx";

    async fn new(port: u16, password: &str) -> Self {
        let options = MySqlConnectOptions::new().host("127.0.0.1").port(port);
        let options = options.username(USER).password(password).database("shop");
        let options = options.ssl_mode(MySqlSslMode::Disabled);
        Sqlx(MySqlPoolOptions::new().max_connections(MAX).connect_lazy_with(options))
    }

    fn check(&self) -> Check {
        indicators::sqlx::mysql("it", &self.0).into()
    }

    fn is_settled(&self) -> bool {
        self.0.num_idle() > 0
    }

    async fn exhaust(&self) -> Option<Box<dyn Send>> {
        Some(take_all(&self.0).await)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlx_on_mariadb() {
    answers::<Sqlx>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_read_only_is_down_if_it_has_to_be_writable() {
    let server = Server::<MariaDb>::start();
    let pool = Sqlx::new(server.port, PASSWORD).await.0;
    let pings = Service::new(indicators::sqlx::mysql("it", &pool).into());
    let writes = Service::new(indicators::sqlx::mysql("it", &pool).writable().into());
    assert_eq!(writes.ask("writable").await.status, Status::Up);
    sqlx::raw_sql("SET GLOBAL read_only = 1").execute(&pool).await.unwrap();
    let read_only = writes.ask("read only").await;
    assert_eq!((read_only.status, &*read_only.reason), (Status::Down, "read only"));
    assert_eq!(pings.ask("read only").await.status, Status::Up);
    sqlx::raw_sql("SET GLOBAL read_only = 0").execute(&pool).await.unwrap();
    assert_eq!(writes.recovers("writable again").await.status, Status::Up);
}
