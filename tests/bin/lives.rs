//! A service whose life is told on standard output, for what only a process of its own shows.
//!
//! The first argument is the scenario.

use std::env;
use std::error::Error;
use std::future::pending;
use std::io;
use std::process;
use std::thread;

use axum::{Router, routing::get};
use management_axum::{Check, Management, run, shutdown};
use tokio::net::TcpListener;

/// As whoever stops a container does.
fn terminate() {
    let pid = process::id().to_string();
    let sent = process::Command::new("kill").args(["-TERM", &pid]).status();
    assert!(sent.is_ok_and(|status| status.success()), "kill");
}

fn app(management: &Management) -> Router {
    Router::new()
        .route("/", get(async || "hello"))
        .route("/stuck", get(async || pending::<&str>().await))
        .merge(management_axum::router(management))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(io::stderr).init();
    let scenario = env::args().nth(1).unwrap_or_default();
    let never = Check::new("never", async || false).startup();
    let management = match &*scenario {
        "starting" => Management::builder().check(never).build()?,
        _ => Management::new()?,
    };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let app = app(&management);
    match &*scenario {
        "shutdown" => {
            let stopping = shutdown(&management);
            println!("{address}");
            axum::serve(listener, app).with_graceful_shutdown(stopping).await?;
            println!("stopped");
        }
        "before-poll" => {
            let running = run(&management, listener, app);
            terminate();
            println!("{address}");
            println!("{:?}", running.await?.reason);
        }
        "cleanup" => {
            let running = run(&management, listener, app);
            println!("{address}");
            running.await?;
            println!("drained");
            pending::<()>().await;
        }
        "breaks" => {
            let running = run(&management, listener, app);
            println!("{address}");
            thread::spawn(move || {
                for line in io::stdin().lines() {
                    management.availability().broken(line.unwrap());
                }
            });
            running.await?;
        }
        "hangs" => {
            let running = run(&management, listener, app);
            println!("{address}");
            running.await?;
            tokio::task::spawn_blocking(|| {
                println!("drained");
                loop {
                    thread::park();
                }
            });
        }
        _ => {
            let running = run(&management, listener, app);
            println!("{address}");
            let drained = running.await?;
            println!("{} {}", drained.reason, drained.cut);
        }
    }
    Ok(())
}
