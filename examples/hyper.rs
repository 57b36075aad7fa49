//! A service on plain hyper: `endpoint` answers requests, `lifecycle` starts and ends the service.
//!
//! It serves the application and its endpoints at `PORT` (8080).

use std::pin::pin;
use std::{convert::Infallible, env, error::Error, io, process};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONNECTION, HeaderValue};
use hyper::{Request, Response, server::conn::http1, service::service_fn};
use hyper_util::{rt::TokioIo, server::graceful::GracefulShutdown};
use management_core::endpoint::Endpoint;
use management_core::lifecycle::{self, Signal, Signals};
use management_core::{Check, Management};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;

type Answer = Response<Full<Bytes>>;

async fn answer(
    management: Management,
    endpoint: Endpoint,
    request: Request<Incoming>,
) -> Result<Answer, Infallible> {
    let (request, _body) = request.into_parts();
    let mut answer = match (endpoint.route(request.uri.path()), request.uri.path()) {
        (Some(route), _) => endpoint.respond(route, &request).await.map(Full::new),
        (None, "/") => Answer::new("hello\n".into()),
        (None, _) => Response::builder().status(404).body(Full::default()).expect("a valid status"),
    };
    // A client must not send another request on a connection that is about to close.
    if management.availability().is_draining() {
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(answer)
}

/// Accepts connections until the service stops, and then waits for requests in flight.
async fn serve(management: &Management, listener: TcpListener) -> io::Result<()> {
    let (availability, endpoint) = (management.availability(), Endpoint::new(management));
    let (shutdown, mut stopping) = (GracefulShutdown::new(), pin!(availability.stopping()));
    loop {
        let (stream, _) = tokio::select! {
            () = &mut stopping => break,
            accepted = listener.accept() => accepted?,
        };
        let (management, endpoint) = (management.clone(), endpoint.clone());
        let service =
            service_fn(move |request| answer(management.clone(), endpoint.clone(), request));
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        // Its errors are those of clients that disconnect.
        tokio::spawn(shutdown.watch(connection));
    }
    drop(listener);
    tokio::select! {
        () = shutdown.shutdown() => {}
        () = sleep(availability.drain_timeout()) => {}
        () = availability.cutting() => {}
    }
    Ok(())
}

fn handle_signals(management: &Management) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut signals = Signals::new(management).can_cut();
    tokio::spawn(async move {
        while terminate.recv().await.is_some() {
            if let Some(code) = signals.receive(Signal::Terminate).break_value() {
                process::exit(code);
            }
        }
    });
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(io::stderr).init();
    let check = Check::new("queue", async || true).readiness();
    let management = Management::builder().name("hyper").check(check).build()?;
    lifecycle::expect_server(&management);
    handle_signals(&management)?;

    let port: u16 = env::var("PORT").map_or(Ok(8080), |port| port.parse())?;
    let listener = TcpListener::bind(("0.0.0.0", port)).await?;
    println!("http://127.0.0.1:{}/", listener.local_addr()?.port());
    let server = lifecycle::start_server(&management);
    serve(&management, listener).await?;
    drop(server);
    println!("drained after {}", management.availability().drain_reason().unwrap_or_default());
    Ok(())
}
