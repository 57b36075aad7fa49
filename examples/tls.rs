//! HTTPS with `axum-server`: what `run` does for a server of axum, around a server of another crate.
//!
//! `tls` serves at `PORT` (8443), with a certificate of its own making for `localhost`.

use std::error::Error;
use std::net::SocketAddr;
use std::{env, io};

use axum::{Router, routing::get};
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use management_axum::Management;

/// A service reads its certificate and its key with `RustlsConfig::from_pem_file`.
async fn certificate() -> Result<RustlsConfig, Box<dyn Error>> {
    let made = rcgen::generate_simple_self_signed(["localhost".into()])?;
    let key = made.signing_key.serialize_pem();
    Ok(RustlsConfig::from_pem(made.cert.pem().into(), key.into()).await?)
}

fn app(management: &Management) -> Router {
    Router::new()
        .route("/", get(async || "hello\n"))
        .merge(management_axum::router(management))
        .layer(management_axum::drain_layer(management)) // last, around every answer
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(io::stderr).init();
    // Not ready before the port is open.
    let management = Management::builder().name("tls").starting().build()?;
    let stopping = management_axum::shutdown(&management); // handles SIGTERM from here on

    let port: u16 = env::var("PORT").map_or(Ok(8443), |port| port.parse())?;
    let handle = Handle::new();
    let server =
        axum_server::bind_rustls(SocketAddr::from(([127, 0, 0, 1], port)), certificate().await?)
            .handle(handle.clone())
            .serve(app(&management).into_make_service());
    let life = async {
        // Nothing when the port cannot be opened, which the server returns as its error.
        let Some(address) = handle.listening().await else { return };
        println!("https://{address}/z/health");
        management.availability().accepting();
        stopping.await; // a signal has come, and `drain_delay` is over
        handle.graceful_shutdown(Some(management.availability().drain_timeout()));
    };
    let (served, ()) = tokio::join!(server, life);
    Ok(served?)
}
