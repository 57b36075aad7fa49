//! A service over a real `SQLite` file, with its management endpoints.
//!
//! `PORT` (8080) and `DATABASE_URL` (`sqlite:quickstart.db`) are respected.

use std::env;
use std::error::Error;
use std::path::PathBuf;
use std::{fs, io};

use axum::{Router, extract::State, http::StatusCode, routing::get};
use management_axum::{
    Management, ShowDetails, health_check, info_contributor, readiness_check, version_provider,
};
use serde::Serialize;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};
use tokio::net::TcpListener;

/// Where the database file lies. State is found by its type, so it is a type of its own.
struct DataDir(PathBuf);

#[health_check("db", timeout = "2s")]
async fn database(pool: &SqlitePool) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT 1 FROM sqlite_schema").execute(pool).await.map(drop)
}

/// Blocks, so it is no `async fn`, and gets a thread of its own. A full disk alone degrades.
#[health_check("disk", ttl = "5s", critical = false)]
fn disk_is_writable(dir: &DataDir) -> io::Result<()> {
    let probe = dir.0.join(".quickstart-probe");
    fs::write(&probe, b"probe")?;
    fs::remove_file(&probe)
}

#[readiness_check("schema")]
async fn schema_is_there(pool: &SqlitePool) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT count(*) FROM visits").execute(pool).await.map(drop)
}

#[version_provider]
fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

#[derive(Serialize)]
struct Visits {
    count: i64,
}

#[info_contributor("visits")]
async fn visits(pool: &SqlitePool) -> Result<Visits, sqlx::Error> {
    let count = sqlx::query_scalar("SELECT count(*) FROM visits").fetch_one(pool).await?;
    Ok(Visits { count })
}

async fn index(State(pool): State<SqlitePool>) -> Result<&'static str, StatusCode> {
    let inserted = sqlx::query("INSERT INTO visits DEFAULT VALUES").execute(&pool).await;
    inserted.map(|_| "Hello!\n").map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

/// Opens the database, and creates it if it is not there.
pub async fn database_pool(url: &str) -> Result<SqlitePool, sqlx::Error> {
    let options: SqliteConnectOptions = url.parse()?;
    let setup = SqlitePool::connect_with(options.clone().create_if_missing(true)).await?;
    sqlx::query("CREATE TABLE IF NOT EXISTS visits (id INTEGER PRIMARY KEY)")
        .execute(&setup)
        .await?;
    setup.close().await;
    // An open connection keeps a deleted file alive, so that nobody would notice; opening is cheap.
    let pool = SqlitePoolOptions::new().after_release(|_, _| Box::pin(async { Ok(false) }));
    pool.connect_with(options).await
}

/// The service and its management endpoints.
pub fn app(pool: SqlitePool) -> Result<Router, management_axum::Error> {
    let file = pool.connect_options().get_filename().to_path_buf();
    let management = Management::builder()
        .name("quickstart")
        .state(pool.clone())
        .state(DataDir(file.parent().map(PathBuf::from).unwrap_or_default()))
        // For this walk-through. A service keeps the default, which shows details to nobody.
        .show_details(ShowDetails::when_authorized(|request| {
            request.headers.get("authorization").is_some_and(|token| token == "Bearer quickstart")
        }))
        .build()?;
    Ok(Router::new()
        .route("/", get(index))
        .with_state(pool)
        .merge(management_axum::router(&management)))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(io::stderr).init();
    let port: u16 = env::var("PORT").map_or(Ok(8080), |port| port.parse())?;
    let url = env::var("DATABASE_URL").unwrap_or_else(|_| "sqlite:quickstart.db".into());
    let app = app(database_pool(&url).await?)?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let address = listener.local_addr()?;
    for path in ["/", "/z/health", "/z/health/readiness", "/z/health/db", "/z/info", "/z/version"] {
        println!("http://{address}{path}");
    }
    axum::serve(listener, app).await?;
    Ok(())
}
