//! For servers that are told by a future when to stop.

use std::pin::pin;

use management_core::Management;

use crate::signals;

/// The future for `with_graceful_shutdown` of [`axum::serve()`]: the drain of [`run`](crate::run) for a server of
/// your own.
///
/// Handlers of SIGTERM and SIGINT are installed when this is called. The first signal makes readiness
/// `OUT_OF_SERVICE`, and the future is ready when [`Builder::drain_delay`](crate::Builder::drain_delay) is over; a second
/// signal skips the delay, a third ends the process. Any number of servers may have one, and all of them
/// stop together.
///
/// [`axum::serve()`] then waits for what is in flight, however long that takes; only [`run`](crate::run) cuts it at a
/// second signal. [`drain_layer`](crate::drain_layer) makes clients leave their connections.
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
/// A bound for what is in flight, as [`run`](crate::run) has it:
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
///     tokio::time::sleep(management.drain_timeout()).await;
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
/// It is called outside of a Tokio runtime, or the system refuses handlers of signals.
pub fn shutdown(management: &Management) -> impl Future<Output = ()> + Send + use<> {
    if let Err(error) = signals::handle(management.availability(), false) {
        panic!("no shutdown on signals: {error}");
    }
    stopping(management)
}

/// As [`shutdown`], with a future of your own in place of the signals: the drain begins when it is ready.
/// No handlers of signals are installed.
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
///
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
            // Something else has begun the drain, which is this server's, too.
            () = &mut stopping => return,
            () = begin => availability.drain("a shutdown that was asked for"),
        }
        stopping.await;
    }
}

/// What a server polls while it takes requests.
fn stopping(management: &Management) -> impl Future<Output = ()> + Send + use<> {
    let availability = management.availability().clone();
    let listen = management.listen();
    async move {
        if let Some(address) = listen {
            tracing::warn!(
                target: "management",
                "nobody has listened at {address}, as `listen` says: `run` does, and beside a server of your \
                 own `serve`, if it is given the address",
            );
        }
        availability.stopping().await;
    }
}
