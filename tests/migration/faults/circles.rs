//! Services that depend on each other.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use management_axum::{Dependency, Status};
use support::{PATIENCE, fetch};
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::migration::{app, builder, fixed};

// Services that depend on each other in a circle ask each other without end.

/// Services of which each needs the next, and the last needs the first, with the number of requests for `/health`
/// that each has received.
async fn circle(size: usize) -> Vec<(std::net::SocketAddr, Arc<AtomicUsize>)> {
    let mut listeners = Vec::new();
    for _ in 0..size {
        listeners.push(TcpListener::bind("127.0.0.1:0").await.unwrap());
    }
    let addresses: Vec<_> =
        listeners.iter().map(|listener| listener.local_addr().unwrap()).collect();
    let mut services = Vec::new();
    for (number, listener) in listeners.into_iter().enumerate() {
        let next = Dependency::new(addresses[(number + 1) % size].to_string());
        let got = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&got);
        let count = move |request: Request, next: Next| {
            if request.uri().path() == "/z/health" {
                counter.fetch_add(1, Ordering::SeqCst);
            }
            next.run(request)
        };
        let builder = builder()
            .service_dependency("next", next.timeout(PATIENCE).ttl(Duration::ZERO))
            .health_budget(PATIENCE)
            .check(fixed("db", Status::Up));
        let app: Router = app(builder).layer(from_fn(count));
        services.push((addresses[number], got));
        tokio::spawn(async move { axum::serve(listener, app).await });
    }
    services
}

#[tokio::test]
async fn one_request_in_a_circle_is_one_to_each_dependency_and_comes_to_an_end() {
    for size in [1, 2, 3] {
        let services = circle(size).await;
        let health = timeout(PATIENCE, fetch(services[0].0, "/z/health", "")).await;
        let health = health.expect("the circle comes to an end");
        assert_eq!(health.status, 200, "{}", health.body);
        // Whatever still went on would be answered before this.
        for (address, _) in &services {
            fetch(*address, "/z/health/liveness", "").await;
        }
        let got: Vec<_> = services.iter().map(|(_, got)| got.load(Ordering::SeqCst)).collect();
        let expected: &[usize] = match size {
            1 => &[2],
            2 => &[1, 1],
            _ => &[1, 1, 0],
        };
        assert_eq!(got, expected);
    }
}

#[tokio::test]
async fn no_circle_holds_itself_down() {
    let services = circle(3).await;
    for (address, _) in services.iter().chain(&services) {
        let health = fetch(*address, "/z/health", "").await;
        assert_eq!(health.status, 200, "{}", health.body);
    }
}
