//! The indicator of lapin on RabbitMQ.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lapin::options::BasicPublishOptions;
use lapin::{BasicProperties, Connection};
use management_core::{Component, Management, Status};
use management_indicators::lapin::{Broker, check, ping};
use support::PATIENCE;

use crate::faults::{PASSWORD, USER};
use crate::proxy::Proxy;
use crate::rabbitmq::{self, connect, recovering};

const DEADLINE: Duration = Duration::from_millis(500);

/// One broker for all, since it takes seconds to start.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "RabbitMQ takes long to start: scripts/test --all runs it"]
async fn a_broker_is_asked() {
    let mut broker = tokio::task::spawn_blocking(rabbitmq::Broker::start).await.unwrap();
    it_is_up(&broker).await;
    a_connection_without_channels_is_down(&broker).await;
    a_blocked_connection_is_degraded(&broker).await;
    a_broker_that_hangs_is_down(&broker).await;
    a_half_open_connection_is_down(&broker).await;
    a_killed_broker_is_down_for_all_at_once(&mut broker).await;
    a_channel_survives_each_restart(&mut broker).await;
    a_wrong_password_is_not_told(&broker).await;
}

async fn it_is_up(broker: &rabbitmq::Broker) {
    let connection = connect(broker.port, "").await;
    let management = watch(&connection);
    let queue = ask(&management).await;
    assert_eq!(queue.status(), Status::Up, "{queue}");
    let latency = queue.health().details()["latencyMs"].as_f64().unwrap();
    assert!(latency > 0.0 && latency < 500.0, "{latency}");

    // Many at once, over one channel beside that of the check.
    let asked = Broker::new(&connection);
    for health in all_at_once(&asked, Duration::ZERO, || ()).await {
        assert_eq!(health.status(), Status::Up, "{health:?}");
    }
    for _ in 0..20 {
        assert_eq!(ask(&management).await.status(), Status::Up);
    }
    assert_eq!(broker.channels(), [2]);

    // Nothing stays behind.
    drop((asked, management));
    until(async || broker.channels() == [0]).await;
    connection.close(200, "OK".into()).await.unwrap();
    let management = watch(&connection);
    assert_reason(&ask(&management).await, Status::Down, "connection closed");
}

async fn a_connection_without_channels_is_down(broker: &rabbitmq::Broker) {
    let connection = connect(broker.port, "?channel_max=1").await;
    let only = connection.create_channel().await.unwrap();
    let management = watch(&connection);
    assert_reason(
        &ask(&management).await,
        Status::Down,
        "no channel: the maximum number of channels for this connection has been reached",
    );
    only.close(200, "OK".into()).await.unwrap();
    until(async || ask(&management).await.status() == Status::Up).await;
}

async fn a_blocked_connection_is_degraded(broker: &rabbitmq::Broker) {
    let connection = connect(broker.port, "").await;
    let management = watch(&connection);
    assert_eq!(ask(&management).await.status(), Status::Up);
    broker.control(&["set_vm_memory_high_watermark", "0.000001"]);
    let channel = connection.create_channel().await.unwrap();
    // The alarm is raised a little later, and blocks whoever publishes then.
    let publish = async || {
        let options = BasicPublishOptions::default();
        let properties = BasicProperties::default();
        let published = channel.basic_publish("".into(), "no".into(), options, b"x", properties);
        // It does not return while the connection is blocked.
        _ = tokio::time::timeout(Duration::from_millis(100), published).await;
    };
    until(async || {
        publish().await;
        let queue = ask(&management).await;
        queue.status() == Status::Degraded
            && queue.health().reason() == Some("blocked by the broker")
    })
    .await;
    broker.control(&["set_vm_memory_high_watermark", "0.4"]);
    until(async || ask(&management).await.status() == Status::Up).await;
}

async fn a_broker_that_hangs_is_down(broker: &rabbitmq::Broker) {
    let connection = connect(broker.port, "").await;
    let management = watch(&connection);
    let fresh = watch(&connection);
    assert_eq!(ask(&management).await.status(), Status::Up);
    broker.pause();
    for _ in 0..5 {
        let queue = ask(&management).await;
        assert_reason(&queue, Status::Down, "timed out after 500ms while waiting for an answer");
    }
    let queue = ask(&fresh).await;
    assert_reason(&queue, Status::Down, "timed out after 500ms while opening a channel");
    for _ in 0..3 {
        assert_eq!(ask(&fresh).await.status(), Status::Down);
    }
    broker.resume();
    until(async || ask(&management).await.status() == Status::Up).await;
    until(async || ask(&fresh).await.status() == Status::Up).await;
    // One for each check, however often they have asked in vain.
    until(async || broker.channels().last() == Some(&2)).await;
}

async fn a_half_open_connection_is_down(broker: &rabbitmq::Broker) {
    let proxy = Proxy::start(broker.port).await;
    let connection = connect(proxy.port, "?heartbeat=2").await;
    let management = watch(&connection);
    assert_eq!(ask(&management).await.status(), Status::Up);
    proxy.freeze();
    let queue = ask(&management).await;
    assert_reason(&queue, Status::Down, "timed out after 500ms while waiting for an answer");
    // lapin notices by the heartbeats, and does not connect again.
    until(async || ask(&management).await.health().reason() == Some("connection lost")).await;
}

async fn a_killed_broker_is_down_for_all_at_once(broker: &mut rabbitmq::Broker) {
    let connection = connect(broker.port, "").await;
    let asked = Broker::new(&connection);
    assert_eq!(ping(&asked).await.status(), Status::Up);
    let pause = Duration::from_millis(20);
    for health in all_at_once(&asked, pause, || broker.kill()).await {
        let reason = health.reason().unwrap_or_default();
        let is_expected = match health.status() {
            Status::Up => true,
            _ => {
                ["connection lost", "channel failed: "].iter().any(|text| reason.starts_with(text))
            }
        };
        assert!(is_expected, "{health:?}");
    }
    until(async || ping(&asked).await.reason() == Some("connection lost")).await;
    tokio::task::block_in_place(|| broker.start_again());
    // lapin does not connect again on its own.
    assert_eq!(ping(&asked).await.reason(), Some("connection lost"));
}

async fn a_channel_survives_each_restart(broker: &mut rabbitmq::Broker) {
    let connection = recovering(broker.port).await;
    let management = watch(&connection);
    assert_eq!(ask(&management).await.status(), Status::Up);
    for round in 0..3 {
        tokio::task::block_in_place(|| {
            if round == 0 {
                broker.stop();
            } else {
                broker.kill();
            };
        });
        until(async || ask(&management).await.health().reason() == Some("reconnecting")).await;
        tokio::task::block_in_place(|| broker.start_again());
        until(async || ask(&management).await.status() == Status::Up).await;
        assert_eq!(broker.channels(), [1]);
    }
}

async fn a_wrong_password_is_not_told(broker: &rabbitmq::Broker) {
    let connection = recovering(broker.port).await;
    let management = watch(&connection);
    assert_eq!(ask(&management).await.status(), Status::Up);
    broker.control(&["change_password", USER, "another"]);
    broker.control(&["close_all_connections", "for maintenance"]);
    until(async || ask(&management).await.status() == Status::Down).await;
    for _ in 0..5 {
        let queue = ask(&management).await;
        let reason = queue.health().reason().unwrap();
        assert!(["reconnecting", "connection lost"].contains(&reason), "{reason}");
    }
    broker.control(&["change_password", USER, PASSWORD]);
}

fn watch(connection: &Arc<Connection>) -> Management {
    let queue = check("queue", connection).timeout(DEADLINE).ttl(Duration::ZERO);
    Management::builder().check(queue).build().unwrap()
}

/// The answer, which comes within the deadline.
async fn ask(management: &Management) -> Component {
    let begun = Instant::now();
    let queue = management.check("queue").await.unwrap();
    let elapsed = begun.elapsed();
    eprintln!("{elapsed:?}: {queue}");
    assert!(elapsed < DEADLINE + Duration::from_secs(2), "{elapsed:?}: {queue}");
    queue
}

/// Asks 50 times at once, and does something shortly afterwards.
async fn all_at_once(
    broker: &Broker,
    pause: Duration,
    meanwhile: impl FnOnce(),
) -> Vec<management_core::Health> {
    let asked: Vec<_> = (0..50)
        .map(|_| {
            let broker = broker.clone();
            tokio::spawn(async move {
                let begun = Instant::now();
                let health = ping(&broker).await;
                assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
                health
            })
        })
        .collect();
    tokio::time::sleep(pause).await;
    tokio::task::block_in_place(meanwhile);
    let mut healths = Vec::new();
    for asked in asked {
        healths.push(asked.await.unwrap());
    }
    healths
}

#[track_caller]
fn assert_reason(queue: &Component, status: Status, reason: &str) {
    assert_eq!((queue.status(), queue.health().reason()), (status, Some(reason)));
}

/// Waits until something is so.
async fn until(is_so: impl AsyncFn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_so().await {
        assert!(Instant::now() < until, "it is never so");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
