//! Log lines of a service that `run` serves.

use std::future::pending;
use std::time::Duration;

use axum::Router;
use management_axum::endpoint::Endpoint;
use management_axum::{Builder, Management, listen, run, shutdown_on};
use support::{Lines, fetch};
use tokio::net::TcpListener;

use crate::run::{SECOND, built, running};

#[tokio::test]
async fn an_address_that_nobody_listens_at_is_told() {
    let lines = Lines::default();
    let _guard = lines.capture();
    let management = built(|builder| builder.listen("127.0.0.1:0"));
    lines.take();
    management.availability().stop("the test");
    lines.take();
    shutdown_on(&management, pending()).await;
    let told = lines.take();
    assert!(told[0].starts_with("WARN nothing listens at 127.0.0.1:0"), "{told:?}");
}

/// The warnings of a service while it is served.
async fn warnings(management: &Management, app: Router) -> Vec<String> {
    let lines = Lines::default();
    let _guard = lines.capture();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let ended = tokio::spawn(run(management, listener, app));
    fetch(address, "/", "").await;
    management.availability().stop("the test");
    ended.await.unwrap().unwrap();
    lines.take().into_iter().filter(|line| line.starts_with("WARN")).collect()
}

#[tokio::test]
async fn endpoints_that_can_be_reached_nowhere_are_told() {
    let told = "WARN the endpoints are not reachable: ";
    let without = built(|builder| builder);
    // A router that is dropped answers nobody.
    drop(management_axum::router::<()>(&without));
    drop(Endpoint::new(&without).paths().next());
    let warned = warnings(&without, Router::new()).await;
    assert!(matches!(&*warned, [line] if line.starts_with(told)), "{warned:?}");

    let (another, without) = (built(|builder| builder), built(|builder| builder));
    let of_another = management_axum::router(&another);
    let warned = warnings(&without, of_another).await;
    assert!(matches!(&*warned, [line] if line.starts_with(told)), "{warned:?}");
}

#[tokio::test]
async fn endpoints_that_can_be_reached_somewhere_are_not_told_of() {
    let merged = built(|builder| builder);
    let nested = Router::new().nest("/api", management_axum::router(&merged));
    assert_eq!(warnings(&merged, nested).await, [""; 0]);

    let listens = built(|builder| builder.listen("127.0.0.1:0"));
    assert_eq!(warnings(&listens, Router::new()).await, [""; 0]);

    let served = built(|builder| builder);
    let listening = listen(&served, "127.0.0.1:0").await.unwrap();
    assert_eq!(warnings(&served, Router::new()).await, [""; 0]);
    listening.close().await;

    // An adapter of the program's own.
    let adapted = built(|builder| builder);
    let _endpoint = Endpoint::new(&adapted);
    assert_eq!(warnings(&adapted, Router::new()).await, [""; 0]);

    let all = Endpoint::new(&built(|builder| builder)).paths().collect::<Vec<_>>();
    let without = |builder: Builder, (_, route)| builder.endpoint(route, false);
    let none = built(|builder| all.into_iter().fold(builder, without));
    assert_eq!(Endpoint::new(&none).paths().count(), 0);
    assert_eq!(warnings(&none, Router::new()).await, [""; 0]);
}

#[tokio::test]
async fn the_log_has_the_changes_of_a_life_and_the_time_of_its_drain() {
    for is_starting in [false, true] {
        let lines = Lines::default();
        let _guard = lines.capture();
        let management = built(|builder| if is_starting { builder.starting() } else { builder });
        lines.take();
        let service = running(management).await;
        assert_eq!(lines.take(), ["INFO availability STARTING → ACCEPTING"]);
        service.management.availability().stop("the test");
        let drained = service.ended.await.unwrap().unwrap();
        // Nothing was in flight.
        assert_eq!(drained.took, Duration::ZERO);
        let told = lines.take();
        let [begun, ended] = &told[..] else { panic!("{told:?}") };
        assert_eq!(
            begun,
            "INFO availability ACCEPTING → REFUSING: draining after the test; servers stop now"
        );
        let told = ended.strip_prefix("INFO drained in ").unwrap();
        assert!(told.ends_with(": every request is answered"), "{told}");
    }
}

#[tokio::test]
async fn the_delay_is_a_part_of_the_drain() {
    let delay = SECOND / 5;
    let lines = Lines::default();
    let _guard = lines.capture();
    let service = running(built(|builder| builder.drain_delay(delay))).await;
    service.management.availability().drain("the test");
    let drained = service.ended.await.unwrap().unwrap();
    assert!(drained.delay >= delay && drained.took.is_zero(), "{drained:?}");
    let took = drained.delay.as_millis();
    let told =
        format!("INFO drained in {took} ms, {took} ms of it the delay: every request is answered");
    assert_eq!(lines.take().pop(), Some(told));
}
