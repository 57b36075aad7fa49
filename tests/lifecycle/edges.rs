//! `run` dropped midway, called twice, and called again.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use axum::Router;
use axum::routing::get;
use management_axum::{AvailabilityState, Management, lifecycle, run};
use support::{Lines, fetch};
use tokio::net::TcpListener;

use crate::run::{Kept, SECOND, accepts, built, refused};

fn app(management: &Management) -> Router {
    Router::new()
        .route("/", get(async || "hello"))
        .route("/stuck", get(async || std::future::pending::<&str>().await))
        .merge(management_axum::router(management))
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

/// An address that is free, since somebody has just had it.
async fn free() -> std::net::SocketAddr {
    listener().await.local_addr().unwrap()
}

/// Serves as if nothing had been before, and its endpoints are where they are to be.
async fn serves(management: &Management, endpoints: std::net::SocketAddr) {
    let listener = listener().await;
    let address = listener.local_addr().unwrap();
    let running = tokio::spawn(run(management, listener, app(management)));
    accepts(management).await;
    assert_eq!(fetch(address, "/", "").await.body, "hello");
    assert_eq!(fetch(endpoints, "/z/health/readiness", "").await.status, 200);
    management.availability().stop("the test");
    assert_eq!(running.await.unwrap().unwrap().cut, 0);
    refused(endpoints).await;
}

#[tokio::test]
async fn dropped_before_the_first_poll_it_leaves_everything_to_the_next() {
    let endpoints = free().await;
    let management = built(|builder| builder.listen(endpoints));
    let listener = listener().await;
    let address = listener.local_addr().unwrap();
    drop(run(&management, listener, app(&management)));
    refused(address).await;
    assert_eq!(management.availability().state(), AvailabilityState::Starting);
    assert_eq!(lifecycle::listen_address(&management), Some(endpoints.to_string()));
    serves(&management, endpoints).await;
}

#[test]
fn dropped_before_it_listens_it_gives_the_address_back() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        // A name is looked up on another thread, which is almost always slower than the first poll.
        let (management, address) = loop {
            let address = format!("localhost:{}", free().await.port());
            let management = built(|builder| builder.listen(&address));
            {
                let mut running = pin!(run(&management, listener().await, app(&management)));
                poll_fn(|cx| {
                    assert!(running.as_mut().poll(cx).is_pending());
                    Poll::Ready(())
                })
                .await;
                assert_eq!(lifecycle::listen_address(&management), None, "it has been taken");
            }
            if management.availability().state() == AvailabilityState::Starting {
                break (management, address);
            }
        };
        assert_eq!(lifecycle::listen_address(&management), Some(address));
        let listener = listener().await;
        let application = listener.local_addr().unwrap();
        let running = tokio::spawn(run(&management, listener, app(&management)));
        accepts(&management).await;
        assert_eq!(lifecycle::listen_address(&management), None);
        assert_eq!(fetch(application, "/", "").await.status, 200);
        management.availability().stop("the test");
        running.await.unwrap().unwrap();
    });
}

#[tokio::test]
async fn dropped_while_it_serves_it_is_broken_until_the_next() {
    let endpoints = free().await;
    let management = built(|builder| builder.listen(endpoints));
    let listener = listener().await;
    let address = listener.local_addr().unwrap();
    let running = tokio::spawn(run(&management, listener, app(&management)));
    accepts(&management).await;
    let mut kept = Kept::open(address).await;
    kept.ask("/").await;
    kept.answer("hello").await;
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    assert!(kept.is_closed().await);
    refused(address).await;
    assert_eq!(management.availability().state(), AvailabilityState::Broken);
    assert_eq!(fetch(endpoints, "/z/health/liveness", "").await.status, 503);

    let listener = TcpListener::bind(address).await.unwrap();
    let running = tokio::spawn(run(&management, listener, app(&management)));
    accepts(&management).await;
    assert_eq!(fetch(address, "/", "").await.status, 200);
    for path in ["/z/health/liveness", "/z/health/readiness"] {
        assert_eq!(fetch(endpoints, path, "").await.status, 200, "{path}");
    }
    management.availability().stop("the test");
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn dropped_in_the_drain_it_cuts_and_the_endpoints_go_on() {
    let endpoints = free().await;
    let management = built(|builder| builder.listen(endpoints).drain_timeout(3600 * SECOND));
    let listener = listener().await;
    let address = listener.local_addr().unwrap();
    let running = tokio::spawn(run(&management, listener, app(&management)));
    accepts(&management).await;
    let mut stuck = Kept::open(address).await;
    stuck.ask("/stuck").await;
    assert_eq!(fetch(address, "/", "").await.status, 200);
    management.availability().stop("the test");
    refused(address).await;
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    assert!(stuck.is_closed().await);
    assert_eq!(management.availability().state(), AvailabilityState::Refusing);
    assert_eq!(fetch(endpoints, "/z/health/readiness", "").await.status, 503);
    assert_eq!(fetch(endpoints, "/z/health/liveness", "").await.status, 200);
    // No server is left that others would wait for.
    lifecycle::servers_ended(&management).await;
}

#[tokio::test]
async fn twice_at_once_it_drains_once() {
    let lines = Lines::default();
    let _guard = lines.capture();
    let endpoints = free().await;
    let management = built(|builder| builder.listen(endpoints));
    let (one, other) = (listener().await, listener().await);
    let addresses = [one.local_addr().unwrap(), other.local_addr().unwrap()];
    let one = tokio::spawn(run(&management, one, app(&management)));
    let other = tokio::spawn(run(&management, other, app(&management)));
    accepts(&management).await;
    for address in addresses {
        assert_eq!(fetch(address, "/", "").await.body, "hello");
    }
    management.availability().stop("the test");
    for running in [one, other] {
        assert_eq!(running.await.unwrap().unwrap().reason, "the test");
    }
    refused(endpoints).await;
    let told = lines.take();
    let count = |part: &str| told.iter().filter(|line| line.contains(part)).count();
    for (part, times) in
        [("the endpoints listen", 1), ("→ ACCEPTING", 1), ("→ REFUSING", 1), ("drained in", 2)]
    {
        assert_eq!(count(part), times, "{part}: {told:?}");
    }
    assert_eq!(count("broken"), 0, "{told:?}");
}

#[tokio::test]
async fn after_a_drain_it_answers_what_has_been_sent_and_returns() {
    let management = built(|builder| builder);
    let first = tokio::spawn(run(&management, listener().await, app(&management)));
    accepts(&management).await;
    management.availability().stop("the test");
    first.await.unwrap().unwrap();

    let listener = listener().await;
    let mut client = Kept::open(listener.local_addr().unwrap()).await;
    client.ask("/z/health/readiness").await;
    let again = run(&management, listener, app(&management)).await.unwrap();
    assert_eq!((again.cut, &*again.reason), (0, "the test"));
    assert!(client.answer("}").await.contains("OUT_OF_SERVICE"));
    assert_eq!(management.availability().state(), AvailabilityState::Refusing);

    // Another one knows nothing of it.
    let endpoints = free().await;
    serves(&built(|builder| builder.listen(endpoints)), endpoints).await;
}
