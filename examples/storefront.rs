//! A shop window: PostgreSQL has the products, and Redis caches them.
//!
//! `storefront` serves `GET /products` at `PORT` (8080), and its management endpoints at `MANAGEMENT_LISTEN`
//! (`127.0.0.1:8081`). It starts without its servers, and is ready once PostgreSQL is up. `storefront healthcheck` probes
//! it from inside of its container. `DATABASE_URL` (`postgres://postgres@127.0.0.1/postgres`), `DATABASE_PASSWORD_FILE`
//! (none) and `REDIS_URL` (`redis://127.0.0.1/`) are respected. `scripts/storefront` runs it with servers of its own.

use std::process::{ExitCode, Termination};
use std::{env, error::Error, fs, io, time::Duration};

use axum::{Router, extract::State, http::StatusCode, response::IntoResponse, routing::get};
use management_axum::{Health, Management, Status, startup_check};
use management_indicators as indicators;
use redis::{AsyncCommands, aio::ConnectionManager, aio::ConnectionManagerConfig};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use tokio::net::TcpListener;

const SETUP: &str = "
    CREATE TABLE IF NOT EXISTS products (name TEXT PRIMARY KEY, cents INT NOT NULL);
    INSERT INTO products VALUES ('apple', 40), ('bread', 320), ('cheese', 590) ON CONFLICT DO NOTHING";

/// Creates and fills the table. It runs again until it has succeeded once.
#[startup_check("products")]
async fn products(pool: &PgPool) -> Result<Health, sqlx::Error> {
    // Without a server, the error of the pool would be a timeout. The indicator says why there is no connection.
    let health = indicators::sqlx::ping(pool).await;
    if health.status() != Status::Down {
        sqlx::raw_sql(SETUP).execute(pool).await?;
    }
    Ok(health)
}

#[derive(Clone)]
struct Store {
    pool: PgPool,
    cache: ConnectionManager,
}

/// The products as JSON.
async fn list(
    State(Store { pool, mut cache }): State<Store>,
) -> Result<impl IntoResponse, StatusCode> {
    let answer = |list, found| ([("content-type", "application/json"), ("x-cache", found)], list);
    // Without its cache, the service works more slowly.
    if let Ok(Some(list)) = cache.get::<_, Option<String>>("products").await {
        return Ok(answer(list, "hit"));
    }
    let query = "SELECT jsonb_agg(products ORDER BY name)::text FROM products";
    let list = sqlx::query_scalar(query).fetch_one(&pool).await;
    let list: String = list.map_err(|error| {
        tracing::warn!("cannot list the products: {error}");
        StatusCode::SERVICE_UNAVAILABLE
    })?;
    _ = cache.set_ex::<_, _, ()>("products", &list, 2).await;
    Ok(answer(list, "miss"))
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let listen = env::var("MANAGEMENT_LISTEN").ok().filter(|address| !address.is_empty());
    let listen = listen.unwrap_or("127.0.0.1:8081".into());
    if env::args().nth(1).as_deref() == Some("healthcheck") {
        let port = listen.rsplit(':').next().unwrap_or_default();
        let url = format!("http://127.0.0.1:{port}/z/health/liveness");
        return Ok(management_axum::probe(url).await.report());
    }
    tracing_subscriber::fmt().with_writer(io::stderr).init();

    // Neither of the two connects before it is used.
    let url = env::var("DATABASE_URL").unwrap_or("postgres://postgres@127.0.0.1/postgres".into());
    let mut options: PgConnectOptions = url.parse()?;
    if let Some(file) = env::var_os("DATABASE_PASSWORD_FILE") {
        options = options.password(fs::read_to_string(file)?.trim_end());
    }
    let pool = PgPoolOptions::new().max_connections(5).acquire_timeout(Duration::from_secs(2));
    let pool = pool.connect_lazy_with(options);
    let redis = redis::Client::open(env::var("REDIS_URL").unwrap_or("redis://127.0.0.1/".into()))?;
    // A request does not wait for retries: a failure begins the next attempt in the background.
    let config = ConnectionManagerConfig::new().set_number_of_retries(0);
    let cache = redis.get_connection_manager_lazy(config)?;

    // Liveness has no check: a restart would repair neither server.
    let management = Management::builder()
        .name("storefront")
        .listen(&listen)
        .state(pool.clone())
        .check(indicators::sqlx::postgres("db", &pool).writable().readiness())
        .check(indicators::redis::check("cache", &cache).readiness().critical(false))
        .build()?;

    let port: u16 = env::var("PORT").map_or(Ok(8080), |port| port.parse())?;
    let listener = TcpListener::bind(("0.0.0.0", port)).await?;
    println!("http://127.0.0.1:{}/products", listener.local_addr()?.port());
    println!("http://{listen}/z/health");
    let app = Router::new().route("/products", get(list)).with_state(Store { pool, cache });
    let drained = management_axum::run(&management, listener, app).await?; // until SIGTERM
    println!("{} after {}", if drained.cut == 0 { "drained" } else { "cut" }, drained.reason);
    Ok(ExitCode::SUCCESS)
}
