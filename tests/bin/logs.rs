//! A service that logs more than anyone reads, on its only worker. Prints the address of its endpoints.

use std::error::Error;
use std::future::pending;
use std::io;

use management_axum::{Management, listen};
use tokio::task::yield_now;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_ansi(false).with_writer(io::stderr).init();
    let management = Management::new()?;
    let listening = listen(&management, "127.0.0.1:0").await?;
    println!("{}", listening.local_addr());
    // More than a pipe takes.
    for turn in 0..10_000 {
        tracing::info!(turn, "a line that somebody should read");
        yield_now().await;
    }
    pending().await
}
