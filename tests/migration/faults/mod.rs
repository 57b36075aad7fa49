//! The faults that flask-management-endpoints has: none of them may come back.
//!
//! A comment before each group of tests names the fault.

mod answers;
mod bodies;
mod checks;
mod circles;
mod configuration;
mod instance_id;
mod requests;
mod surroundings;

use serde_json::{Value, json};
use support::{PATIENCE, Peer, get};
use tokio::time::timeout;

use super::{app, builder, parsed};

/// The answer of `/health` of a service that depends on this peer.
async fn health_of(peer: &Peer) -> (u16, Value) {
    let app = app(builder().service_dependency("users", peer.address.to_string()));
    let health = timeout(PATIENCE, get(&app, "/z/health")).await.expect("an answer");
    (health.status.as_u16(), parsed(&health))
}

fn one(status: &str) -> Value {
    json!({"status": status, "components": {"users": {"status": status}}})
}
