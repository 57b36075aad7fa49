//! A service on plain hyper, as an adapter for another server: `endpoint` answers requests, `lifecycle` starts and ends
//! the service.
//!
//! It serves the application and its endpoints at `PORT` (8080). A listener of their own for the endpoints would be a
//! second call of `serve`, at the address that `lifecycle::take_listen_address` returns.

use std::convert::Infallible;
use std::env;
use std::error::Error;
use std::io;
use std::pin::pin;
use std::process;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONNECTION, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use management_core::endpoint::{Endpoint, Route};
use management_core::lifecycle::{self, Signal, Signals};
use management_core::{Check, Management};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio::time::sleep;

#[derive(Clone)]
struct Service {
    management: Management,
    endpoint: Endpoint,
}

impl Service {
    async fn answer(self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let (request, _body) = request.into_parts();
        let mut response = match self.route(request.uri.path()) {
            Some(route) => self.endpoint.respond(route, &request).await.map(Full::new),
            None if request.uri.path() == "/" => Response::new("hello\n".into()),
            None => {
                let mut response = Response::new(Full::default());
                *response.status_mut() = StatusCode::NOT_FOUND;
                response
            }
        };
        // A client must not send another request on a connection that is about to close.
        if self.management.availability().is_draining() && request.version <= Version::HTTP_11 {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response)
    }

    /// The first route whose path matches; `{name}` matches any segment.
    fn route(&self, path: &str) -> Option<Route> {
        let path = path.strip_suffix('/').unwrap_or(path);
        let matches = |pattern: &str| {
            let same = |(part, segment): (&str, &str)| part == "{name}" || part == segment;
            pattern.split('/').count() == path.split('/').count()
                && pattern.split('/').zip(path.split('/')).all(same)
        };
        self.endpoint.paths().find(|(pattern, _)| matches(pattern)).map(|(_, route)| route)
    }

    /// Accepts connections until the service stops, and then waits for requests in flight.
    async fn serve(self, listener: TcpListener) {
        let availability = self.management.availability();
        let http = auto::Builder::new(TokioExecutor::new());
        let (shutdown, mut connections) = (GracefulShutdown::new(), JoinSet::new());
        let mut stopping = pin!(availability.stopping());
        loop {
            tokio::select! {
                () = &mut stopping => break,
                Some(_) = connections.join_next() => {}
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        let service = self.clone();
                        let service = service_fn(move |request| service.clone().answer(request));
                        let connection = http.serve_connection(TokioIo::new(stream), service);
                        connections.spawn(shutdown.watch(connection.into_owned()));
                    }
                    Err(error) => {
                        eprintln!("cannot accept a connection: {error}");
                        sleep(Duration::from_secs(1)).await;
                    }
                },
            }
        }
        drop(listener);
        tokio::select! {
            () = shutdown.shutdown() => {}
            () = sleep(availability.drain_timeout()) => eprintln!("{} are cut", connections.len()),
            () = availability.cutting() => eprintln!("{} are cut", connections.len()),
        }
    }
}

fn handle_signals(management: &Management) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut signals = Signals::new(management).can_cut();
    tokio::spawn(async move {
        loop {
            let signal = tokio::select! {
                Some(()) = terminate.recv() => Signal::Terminate,
                Some(()) = interrupt.recv() => Signal::Interrupt,
                else => return,
            };
            if let Some(code) = signals.receive(signal).break_value() {
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

    let availability = management.availability();
    if let Some(address) = lifecycle::listen_address(&management) {
        return Err(format!("this example does not listen at {address}").into());
    }
    let service = Service { endpoint: Endpoint::new(&management), management: management.clone() };
    let port: u16 = env::var("PORT").map_or(Ok(8080), |port| port.parse())?;
    let listener = TcpListener::bind(("0.0.0.0", port)).await?;
    println!("http://127.0.0.1:{}/", listener.local_addr()?.port());
    let server = lifecycle::start_server(&management);
    service.serve(listener).await;
    drop(server);
    println!("drained after {}", availability.drain_reason().unwrap_or_default());
    Ok(())
}
