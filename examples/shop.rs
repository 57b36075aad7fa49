//! Three services that need each other in a circle, each over a database file of its own.
//!
//! front needs orders and users, orders needs users, and users needs front. Here they run in one process, on
//! three ports, and know each other only by URL.
//!
//! `shop` prints the URLs of their management endpoints. `DATA_DIR` (`.`) is the folder of the database files.
//! `PORT` (`8080`) is the port of front; orders and users have the next two.

use std::env;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use management_axum::{
    Builder, Check, Dependency, Health, Management, ShowDetails, info_contributor, readiness_check,
};
use serde::Serialize;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};
use subtle::ConstantTimeEq;
use tokio::net::TcpListener;

/// The number of waiting orders from which on the service is degraded.
const MANY: i64 = 100;

/// Each of the three services has these, over its own database.
#[readiness_check("db", timeout = "1s")]
async fn database(pool: &SqlitePool) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT count(*) FROM entries").execute(pool).await.map(drop)
}

#[derive(Serialize)]
struct Entries {
    count: i64,
}

#[info_contributor("entries")]
async fn entries(pool: &SqlitePool) -> Result<Entries, sqlx::Error> {
    Ok(Entries { count: count(pool).await? })
}

async fn count(pool: &SqlitePool) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT count(*) FROM entries").fetch_one(pool).await
}

/// A check without an attribute: its closure captures its state.
fn backlog(pool: SqlitePool) -> Check {
    Check::new("backlog", move || {
        let pool = pool.clone();
        async move {
            let waiting = count(&pool).await?;
            let health = if waiting > MANY {
                Health::degraded(format!("{waiting} orders wait"))
            } else {
                Health::up()
            };
            Ok::<_, sqlx::Error>(health.detail("waiting", waiting))
        }
    })
    .critical(false)
}

/// Writes an entry, and returns how many there are.
async fn write(State(pool): State<SqlitePool>) -> Result<String, StatusCode> {
    let written = async {
        sqlx::query("INSERT INTO entries DEFAULT VALUES").execute(&pool).await?;
        count(&pool).await
    };
    let count = written.await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(format!("{count}\n"))
}

/// Opens a database, and creates it if it is not there.
async fn open(file: &Path) -> Result<SqlitePool, sqlx::Error> {
    let options = SqliteConnectOptions::new().filename(file);
    let setup = SqlitePool::connect_with(options.clone().create_if_missing(true)).await?;
    sqlx::query("CREATE TABLE IF NOT EXISTS entries (id INTEGER PRIMARY KEY)")
        .execute(&setup)
        .await?;
    setup.close().await;
    // An open connection keeps working after its file is gone, so each use opens a new one; that is cheap.
    let pool = SqlitePoolOptions::new().after_release(|_, _| Box::pin(async { Ok(false) }));
    pool.connect_with(options).await
}

/// What all services of the shop have in common.
fn service(name: &str, pool: &SqlitePool) -> Builder {
    Management::builder().name(name).state(pool.clone()).require(["db"]).show_details(
        // For this walk-through. A service reads its token from outside, or keeps the default, which shows
        // details to nobody.
        ShowDetails::when_authorized(|request| {
            let token = request.headers.get("authorization");
            // In constant time, so that the time of an answer does not disclose how much is right.
            token.is_some_and(|token| token.as_bytes().ct_eq(b"Bearer shop").into())
        }),
    )
}

fn app(management: &Management, pool: SqlitePool) -> Router {
    Router::new()
        .route("/", get(write))
        .with_state(pool)
        .merge(management_axum::router(management))
        .layer(management_axum::access_log())
}

/// Starts front, orders and users on these listeners, over `front.db`, `orders.db` and `users.db`.
pub async fn start(listeners: [TcpListener; 3], dir: &Path) -> Result<(), Box<dyn Error>> {
    let [front, orders, users] = &listeners;
    // Results are reused for a short time, so that a change is seen soon; the default is 5 s.
    let needs = |listener: &TcpListener| {
        let address = listener.local_addr()?;
        Ok::<_, io::Error>(Dependency::new(address.to_string()).ttl(Duration::from_secs(1)))
    };

    let pools = [
        open(&dir.join("front.db")).await?,
        open(&dir.join("orders.db")).await?,
        open(&dir.join("users.db")).await?,
    ];
    let [front_pool, orders_pool, users_pool] = &pools;
    let managements = [
        service("front", front_pool)
            .service_dependency("orders", needs(orders)?)
            .service_dependency("users", needs(users)?)
            .build()?,
        service("orders", orders_pool)
            .check(backlog(orders_pool.clone()))
            .service_dependency("users", needs(users)?)
            .build()?,
        service("users", users_pool).service_dependency("front", needs(front)?).build()?,
    ];
    for ((listener, management), pool) in listeners.into_iter().zip(&managements).zip(pools) {
        let app = app(management, pool);
        tokio::spawn(async move { axum::serve(listener, app).await });
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(io::stderr).init();
    let port: u16 = env::var("PORT").map_or(Ok(8080), |port| port.parse())?;
    let dir = env::var_os("DATA_DIR").map_or_else(|| PathBuf::from("."), PathBuf::from);
    let at = |nth| {
        let port = if port == 0 { Some(0) } else { port.checked_add(nth) };
        let port = port.ok_or("PORT leaves no room for two more")?;
        Ok::<_, Box<dyn Error>>(SocketAddr::from(([127, 0, 0, 1], port)))
    };
    let listeners = [
        TcpListener::bind(at(0)?).await?,
        TcpListener::bind(at(1)?).await?,
        TcpListener::bind(at(2)?).await?,
    ];
    for (name, listener) in ["front", "orders", "users"].iter().zip(&listeners) {
        let address = listener.local_addr()?;
        for path in ["/z/health", "/z/health/readiness", "/z/info"] {
            println!("{name:<7} http://{address}{path}");
        }
    }
    start(listeners, &dir).await?;
    tokio::signal::ctrl_c().await?;
    Ok(())
}
