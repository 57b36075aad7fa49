//! A service as it is deployed: it starts, serves, drains and ends.
//!
//! `deployed` serves the application at `PORT` (8080), and its management endpoints at
//! `MANAGEMENT_LISTEN` (`127.0.0.1:8081`). `deployed healthcheck` probes it from inside of its container.
//! `DATABASE_URL` (`sqlite:deployed.db`) is respected.

use std::env;
use std::error::Error;
use std::io;
use std::process::{ExitCode, Termination};
use std::time::Duration;

use axum::{Router, extract::Path, extract::State, http::StatusCode, routing::get};
use management_axum::{Management, readiness_check, startup_check, version_provider};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use sqlx::{ConnectOptions, Connection};
use tokio::net::TcpListener;
use tokio::time::sleep;

/// The service can answer nothing before this has succeeded once.
#[startup_check("migrations")]
async fn migrations(pool: &SqlitePool) -> Result<(), sqlx::Error> {
    let migration = "CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY)";
    sqlx::query(migration).execute(pool).await.map(drop)
}

/// Runs in the background, so that probes cost nothing.
#[readiness_check("db", interval = "2s", timeout = "1s")]
async fn database(pool: &SqlitePool) -> Result<(), sqlx::Error> {
    // An open connection keeps working after its file is gone, so the check opens a new one.
    let options = SqliteConnectOptions::clone(&pool.connect_options()).create_if_missing(false);
    options.connect().await?.close().await
}

#[version_provider]
fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

async fn order(State(pool): State<SqlitePool>) -> Result<String, StatusCode> {
    let inserted = sqlx::query("INSERT INTO orders DEFAULT VALUES").execute(&pool).await;
    let order = inserted.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(format!("order {}\n", order.last_insert_rowid()))
}

/// Answers after some seconds, as a request that is in flight when the service stops.
async fn slow(Path(seconds): Path<u64>) -> &'static str {
    sleep(Duration::from_secs(seconds)).await;
    "done\n"
}

/// The application, without the management endpoints: they have a port of their own.
pub fn app(pool: SqlitePool) -> Router {
    Router::new().route("/", get(order)).route("/slow/{seconds}", get(slow)).with_state(pool)
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let management_address =
        env::var("MANAGEMENT_LISTEN").ok().filter(|address| !address.is_empty());
    let management_address = management_address.unwrap_or("127.0.0.1:8081".into());
    if env::args().nth(1).as_deref() == Some("healthcheck") {
        let port = management_address.rsplit(':').next().unwrap_or_default();
        let url = format!("http://127.0.0.1:{port}/z/health/liveness");
        return Ok(management_axum::probe(url).await.report());
    }
    tracing_subscriber::fmt().with_writer(io::stderr).init();
    let port: u16 = env::var("PORT").map_or(Ok(8080), |port| port.parse())?;
    let url = env::var("DATABASE_URL").unwrap_or_else(|_| "sqlite:deployed.db".into());
    let options: SqliteConnectOptions = url.parse()?;
    let pool = SqlitePool::connect_with(options.create_if_missing(true)).await?;
    let management = Management::builder()
        .name("deployed")
        .listen(management_address)
        .state(pool.clone())
        .build()?;

    let listener = TcpListener::bind(("0.0.0.0", port)).await?;
    println!("http://127.0.0.1:{}/", listener.local_addr()?.port());
    let drained = management_axum::run(&management, listener, app(pool.clone())).await?;
    pool.close().await;
    println!("{} after {}", if drained.cut == 0 { "drained" } else { "cut" }, drained.reason);
    Ok(ExitCode::SUCCESS)
}
