//! Futures for servers that stop when a future is ready.

use std::pin::pin;

use management_core::Management;
use management_core::lifecycle::{self, Signals};

use crate::signals;

/// Returns a future for `with_graceful_shutdown` of [`axum::serve()`]: the drain of [`run`](crate::run) for a server
/// of your own.
///
/// Calling this installs handlers of SIGTERM and SIGINT. The first signal makes readiness `OUT_OF_SERVICE`, and
/// the future is ready after [`Builder::drain_delay`](crate::Builder::drain_delay). A second signal ends the delay, a
/// third one ends the process. Several servers may have such a future each. All of them stop together.
///
/// [`axum::serve()`] then waits for requests in flight without a limit; only [`run`](crate::run) cuts them at a
/// second signal. [`drain_layer`](crate::drain_layer) makes clients close their connections.
///
/// ```no_run
/// use axum::{Router, routing::get};
/// use management_axum::{Management, drain_layer, shutdown};
/// use tokio::net::TcpListener;
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let management = Management::new()?;
/// let app = Router::new()
///     .route("/", get(async || "hello"))
///     .merge(management_axum::router(&management))
///     .layer(drain_layer(&management));
/// let listener = TcpListener::bind("0.0.0.0:8080").await?;
/// axum::serve(listener, app).with_graceful_shutdown(shutdown(&management)).await?;
/// # Ok(())
/// # }
/// ```
///
/// To limit the time for requests in flight, as [`run`](crate::run) does:
///
/// ```no_run
/// # use axum::Router;
/// # use management_axum::{Management, shutdown};
/// # use tokio::net::TcpListener;
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let (management, app) = (Management::new()?, Router::new());
/// # let listener = TcpListener::bind("0.0.0.0:8080").await?;
/// let serving = axum::serve(listener, app).with_graceful_shutdown(shutdown(&management));
/// let too_late = async {
///     management.availability().stopping().await;
///     tokio::time::sleep(management.availability().drain_timeout()).await;
/// };
/// tokio::select! {
///     served = serving.into_future() => served?,
///     () = too_late => eprintln!("requests were cut"),
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Panics
///
/// Panics outside a Tokio runtime, and if the system refuses to install the signal handlers.
pub fn shutdown(management: &Management) -> impl Future<Output = ()> + Send + use<> {
    if let Err(error) = signals::handle(Signals::new(management)) {
        panic!("no shutdown on signals: {error}");
    }
    stopping(management)
}

/// Like [`shutdown`], with a future of your own instead of signals: the drain begins when the future is ready.
/// No signal handlers are installed.
///
/// ```no_run
/// use axum::Router;
/// use management_axum::{Management, shutdown_on};
/// use tokio::net::TcpListener;
/// use tokio::sync::oneshot;
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let app = Router::new();
/// # let listener = TcpListener::bind("0.0.0.0:8080").await?;
/// let management = Management::new()?;
/// let (stop, stopped) = oneshot::channel::<()>();
/// let stopping = shutdown_on(&management, async { drop(stopped.await) });
/// axum::serve(listener, app).with_graceful_shutdown(stopping).await?;
/// # Ok(())
/// # }
/// ```
pub fn shutdown_on<F>(management: &Management, begin: F) -> impl Future<Output = ()> + Send + use<F>
where
    F: Future<Output = ()> + Send,
{
    let stopping = stopping(management);
    let availability = management.availability().clone();
    async move {
        let mut stopping = pin!(stopping);
        tokio::select! {
            biased;
            // Something else has begun the drain.
            () = &mut stopping => return,
            () = begin => availability.drain("a shutdown that was asked for"),
        }
        stopping.await;
    }
}

/// The future that a server polls while it accepts requests.
fn stopping(management: &Management) -> impl Future<Output = ()> + Send + use<> {
    let availability = management.availability().clone();
    let listen = lifecycle::listen_address(management);
    async move {
        if let Some(address) = listen {
            tracing::warn!(
                target: "management",
                address,
                "nothing listens at {address}, the address of `.listen(…)` or `MANAGEMENT_LISTEN`: only `run` opens \
                 it, so call `management_axum::listen` beside a server of your own",
            );
        }
        availability.stopping().await;
    }
}
