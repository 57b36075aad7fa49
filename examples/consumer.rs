//! A service with a queue. It is live while the consumer of the queue makes progress.
//!
//! `consumer` serves the application at `PORT` (8080), and its management endpoints at `MANAGEMENT_LISTEN`
//! (`127.0.0.1:8081`). `POST /jobs` adds a job, and `POST /stick` makes the consumer hang. `DATABASE_URL`
//! (`sqlite:consumer.db`) is respected.

use std::{convert::Infallible, env, error::Error, io, pin::pin, sync::Arc, time::Duration};

use axum::{Router, extract::State, http::StatusCode, routing::get, routing::post};
use management_axum::{Availability, Check, Heartbeat, Management};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use tokio::{net::TcpListener, sync::Mutex, time::sleep, time::timeout};

/// A consumer without progress for this long hangs. A real limit is several times the longest job.
const LIMIT: Duration = Duration::from_secs(2);

#[derive(Clone)]
struct Queue {
    pool: SqlitePool,
    /// What the consumer needs for its jobs, such as a connection to a mail server.
    mailer: Arc<Mutex<()>>,
}

/// Does one job after the other, until the servers stop.
async fn consume(queue: Queue, progress: Heartbeat, availability: Availability) {
    let mut stopping = pin!(availability.stopping());
    loop {
        // Waiting for a job is progress, too, and so is an error: a restart does not repair the database.
        progress.beat();
        let pause = match do_oldest_job(&queue).await {
            Ok(true) => Duration::ZERO,
            Ok(false) => Duration::from_millis(100),
            Err(error) => {
                tracing::warn!("cannot do a job: {error}");
                Duration::from_secs(1)
            }
        };
        if timeout(pause, &mut stopping).await.is_ok() {
            break; // the next process does the jobs that are left
        }
    }
    progress.finish(); // without this, liveness would be DOWN until the process ends
}

/// Returns whether there was a job.
async fn do_oldest_job(queue: &Queue) -> Result<bool, sqlx::Error> {
    let _mailer = queue.mailer.lock().await;
    let oldest = "SELECT id FROM jobs WHERE NOT done ORDER BY id LIMIT 1";
    let oldest: Option<i64> = sqlx::query_scalar(oldest).fetch_optional(&queue.pool).await?;
    let Some(id) = oldest else { return Ok(false) };
    // A real job sends its mail here.
    sqlx::query("UPDATE jobs SET done = TRUE WHERE id = ?").bind(id).execute(&queue.pool).await?;
    Ok(true)
}

/// Deletes the jobs that are done, once an hour. It ends only by an error.
async fn clean(pool: SqlitePool) -> Result<Infallible, sqlx::Error> {
    loop {
        sleep(Duration::from_secs(3600)).await;
        sqlx::query("DELETE FROM jobs WHERE done").execute(&pool).await?;
    }
}

async fn add_job(State(queue): State<Queue>) -> Result<String, StatusCode> {
    let added = sqlx::query("INSERT INTO jobs DEFAULT VALUES").execute(&queue.pool).await;
    let job = added.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(format!("job {}\n", job.last_insert_rowid()))
}

async fn count_jobs(State(queue): State<Queue>) -> Result<String, StatusCode> {
    let count = "SELECT count(*) FROM jobs WHERE NOT done";
    let count: Result<i64, _> = sqlx::query_scalar(count).fetch_one(&queue.pool).await;
    count.map(|jobs| format!("{jobs} waiting\n")).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

/// Keeps the lock for ever, as in a deadlock.
async fn stick(State(queue): State<Queue>) {
    std::mem::forget(queue.mailer.lock().await);
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(io::stderr).init();
    let url = env::var("DATABASE_URL").unwrap_or("sqlite:consumer.db".into());
    let options = url.parse::<SqliteConnectOptions>()?.create_if_missing(true);
    let pool = SqlitePool::connect_with(options).await?;
    let table = "CREATE TABLE IF NOT EXISTS jobs (id INTEGER PRIMARY KEY, done BOOL DEFAULT FALSE)";
    sqlx::query(table).execute(&pool).await?;

    let progress = Heartbeat::new(LIMIT);
    let cleaner = tokio::spawn(clean(pool.clone()));
    let management = Management::builder()
        .name("consumer")
        .listen(env::var("MANAGEMENT_LISTEN").unwrap_or("127.0.0.1:8081".into()))
        .check(Check::heartbeat("consumer", &progress).liveness())
        .check(Check::task("cleaner", cleaner.abort_handle()).critical(false))
        .build()?;

    let queue = Queue { pool, mailer: Arc::default() };
    let availability = management.availability().clone();
    let consumer = tokio::spawn(consume(queue.clone(), progress, availability));
    let app = Router::new().route("/jobs", get(count_jobs).post(add_job));
    let app = app.route("/stick", post(stick)).with_state(queue);
    let port = env::var("PORT").map_or(Ok(8080), |port| port.parse())?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("http://{}/jobs", listener.local_addr()?);
    management_axum::run(&management, listener, app).await?; // until SIGTERM
    timeout(LIMIT, consumer).await.map_err(|_| "the consumer hangs")??;
    Ok(())
}
