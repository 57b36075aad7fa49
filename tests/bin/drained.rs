//! A service that takes its time for each request, until SIGTERM. Its argument says what drains it: `run`,
//! or `axum::serve` with the `shutdown` future, `layered` or `bare`. Prints its address.

use std::env;
use std::error::Error;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use management_axum::{Management, drain_layer, router, run, shutdown};
use tokio::net::TcpListener;
use tokio::time::sleep;

/// More than a socket takes at once.
const LARGE: usize = 256 * 1024;

async fn work() {
    sleep(Duration::from_millis(3)).await;
}

async fn small() -> &'static str {
    work().await;
    "small"
}

async fn large() -> Vec<u8> {
    work().await;
    vec![b'l'; LARGE]
}

async fn echo(body: String) -> String {
    work().await;
    body
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let how = env::args().nth(1).unwrap_or_default();
    let management = Management::new()?;
    let app = Router::new()
        .route("/small", get(small))
        .route("/large", get(large))
        .route("/echo", post(echo));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    match &*how {
        // The endpoints are at `MANAGEMENT_LISTEN`.
        "run" => println!("{} cut", run(&management, listener, app).await?.cut),
        "layered" => {
            let app = app.merge(router(&management)).layer(drain_layer(&management));
            axum::serve(listener, app).with_graceful_shutdown(shutdown(&management)).await?;
        }
        "bare" => {
            let app = app.merge(router(&management));
            axum::serve(listener, app).with_graceful_shutdown(shutdown(&management)).await?;
        }
        _ => return Err("`run`, `layered` or `bare`?".into()),
    }
    Ok(())
}
