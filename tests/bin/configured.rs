//! A service with checks of each kind and nothing configured but by the environment. Prints what each
//! path in its arguments answers on a line of its own; `unasked:NAME` waits for a result that nobody
//! asked for. `config:JSON`, `name:NAME`, `prefix:PATH` and `critical:BOOL` come first and are what the
//! program itself says.

use std::future::pending;
use std::sync::atomic::{AtomicU32, Ordering};

use http::Request;
use management_axum::{
    Health, Management, health_check, info_contributor, liveness_check, readiness_check,
    startup_check,
};
use management_core::endpoint::{Endpoint, Route};

#[health_check("db")]
fn db() -> Result<(), &'static str> {
    Err("refused")
}

#[health_check("counted")]
fn counted() -> Health {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    Health::up().detail("run", RUNS.fetch_add(1, Ordering::SeqCst) + 1)
}

#[health_check("relapsing", ttl = "0s")]
fn relapsing() -> bool {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    RUNS.fetch_add(1, Ordering::SeqCst) == 0
}

#[readiness_check("cache")]
fn cache() {}

#[readiness_check("hanging")]
async fn hanging() {
    pending::<()>().await;
}

#[liveness_check("alive")]
fn alive() {}

#[startup_check("begun")]
fn begun() {}

#[info_contributor("visits")]
fn visits() -> u8 {
    3
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut builder = Management::builder();
    let mut asked = Vec::new();
    for argument in std::env::args().skip(1) {
        match argument.split_once(':') {
            Some(("config", json)) => builder = builder.config(serde_json::from_str(json)?),
            Some(("name", name)) => builder = builder.name(name),
            Some(("prefix", prefix)) => builder = builder.prefix(prefix),
            Some(("critical", critical)) => builder = builder.critical(critical.parse()?),
            _ => asked.push(argument),
        }
    }
    let management = builder.build()?;
    let endpoint = Endpoint::new(&management);
    let mut results = management.subscribe();
    for argument in asked {
        if let Some(name) = argument.strip_prefix("unasked:") {
            while results.recv().await?.name() != name {}
            println!("{name}");
            continue;
        }
        let path = argument.split('?').next().unwrap_or_default();
        // As a router finds it: what is literal comes first, and a name is one segment.
        let route = endpoint.paths().find(|(known, _)| known == path).or_else(|| {
            endpoint.paths().find(|(known, route)| {
                let start = known.strip_suffix("{name}");
                let name = start.and_then(|start| path.strip_prefix(start));
                *route == Route::Named && name.is_some_and(|name| !name.contains('/'))
            })
        });
        let Some((_, route)) = route else {
            println!("no route");
            continue;
        };
        let (request, ()) = Request::get(&argument).body(())?.into_parts();
        let response = endpoint.respond(route, &request).await;
        println!("{} {}", response.status().as_u16(), String::from_utf8_lossy(response.body()));
    }
    Ok(())
}
