//! A WebSocket that ends itself: when the service stops, it sends a close frame, and `run` waits for it.
//!
//! `websocket` serves at port 8080. `/echo` sends back what it receives, until SIGTERM or Ctrl-C.

use std::error::Error;
use std::io;
use std::pin::pin;

use axum::Router;
use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::response::Response;
use axum::routing::any;
use management_axum::{Availability, Management};
use tokio::net::TcpListener;

async fn echo(State(availability): State<Availability>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(|socket| talk(socket, availability))
}

async fn talk(mut socket: WebSocket, availability: Availability) {
    let mut stopping = pin!(availability.stopping());
    loop {
        let received = tokio::select! {
            received = socket.recv() => received,
            () = &mut stopping => break,
        };
        let sent = match received {
            Some(Ok(message @ (Message::Text(_) | Message::Binary(_)))) => {
                socket.send(message).await
            }
            Some(Ok(_)) => Ok(()),
            Some(Err(_)) | None => return,
        };
        if sent.is_err() {
            return;
        }
    }
    // From here on the drain waits, for at most `drain_timeout`.
    let farewell = CloseFrame { code: close_code::AWAY, reason: "the service stops".into() };
    if socket.send(Message::Close(Some(farewell))).await.is_ok() {
        // The client closes, too, and may have sent something before.
        while let Some(Ok(_)) = socket.recv().await {}
    }
}

/// The application. Its handler gets the availability, to know when the service stops.
pub fn app(management: &Management) -> Router {
    Router::new()
        .route("/echo", any(echo))
        .with_state(management.availability().clone())
        .merge(management_axum::router(management))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(io::stderr).init();
    let management = Management::new()?;
    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    management_axum::run(&management, listener, app(&management)).await?;
    Ok(())
}
