//! A service over an SQLite file. It reads `PORT` (8080) and `DATABASE_URL` (`sqlite:quickstart.db`).

use std::{env, error::Error, fs, io};

use axum::{Router, extract::State, http::StatusCode, routing::get};
use management_axum::{Health, Management, health_check, readiness_check, version_provider};
use management_indicators as indicators;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};

#[readiness_check("db", timeout = "2s")]
async fn database(pool: &SqlitePool) -> Health {
    indicators::sqlx::ping(pool).await
}

#[health_check("disk", critical = false)]
fn disk_is_writable() -> io::Result<()> {
    fs::write("quickstart.probe", "")?;
    fs::remove_file("quickstart.probe")
}

#[version_provider]
fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

async fn index(State(pool): State<SqlitePool>) -> Result<String, StatusCode> {
    let version = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(&pool).await;
    version.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

/// The service with its management endpoints.
pub fn app(management: &Management, pool: SqlitePool) -> Router {
    let app = Router::new().route("/", get(index)).with_state(pool);
    app.merge(management_axum::router(management))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(io::stderr).init();
    let url = env::var("DATABASE_URL").unwrap_or("sqlite:quickstart.db".into());
    let options = url.parse::<SqliteConnectOptions>()?.create_if_missing(true);
    let pool = SqlitePool::connect_with(options).await?;
    let management = Management::builder().name("quickstart").state(pool.clone()).build()?;

    let port = env::var("PORT").map_or(Ok(8080), |port| port.parse())?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("http://{}/z/health", listener.local_addr()?);
    management_axum::run(&management, listener, app(&management, pool)).await?; // until SIGTERM
    Ok(())
}
