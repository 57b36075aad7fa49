//! What a service says of itself, and what answers make of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use management_axum::{
    Availability, AvailabilityState, Builder, Check, Management, ShowDetails, Status, lifecycle,
};
use support::{Lines, get};
use tokio::time::{Instant, sleep};

const UP: (u16, &str) = (200, r#"{"status":"UP"}"#);
const OUT_OF_SERVICE: (u16, &str) = (503, r#"{"status":"OUT_OF_SERVICE"}"#);
const DOWN: (u16, &str) = (503, r#"{"status":"DOWN"}"#);

fn built(set: impl FnOnce(Builder) -> Builder) -> (Management, Router) {
    let db = Check::new("db", async || ()).readiness();
    let management = set(Management::builder().check(db)).build().unwrap();
    let app = management_axum::router(&management);
    (management, app)
}

async fn answers(app: &Router, path: &str, (code, body): (u16, &str)) {
    let answer = get(app, path).await;
    assert_eq!((answer.status.as_u16(), &*answer.body), (code, body), "{path}");
}

async fn probes(app: &Router, readiness: (u16, &str), liveness: (u16, &str)) {
    answers(app, "/z/health/readiness", readiness).await;
    answers(app, "/z/health/liveness", liveness).await;
    answers(app, "/z/health/ping", liveness).await;
    answers(app, "/z/health/startup", UP).await;
    assert_eq!(get(app, "/z/health").await.status.as_u16(), readiness.0);
}

#[tokio::test]
async fn each_state_has_its_answers() {
    let (management, app) = built(|builder| builder);
    let availability = management.availability();
    assert_eq!(availability.state(), AvailabilityState::Accepting);
    probes(&app, UP, UP).await;
    availability.starting();
    probes(&app, OUT_OF_SERVICE, UP).await;
    availability.refusing("maintenance");
    probes(&app, OUT_OF_SERVICE, UP).await;
    availability.broken("a worker panicked");
    probes(&app, DOWN, DOWN).await;
    availability.accepting();
    probes(&app, UP, UP).await;
}

#[tokio::test]
async fn it_is_a_component_while_it_is_not_accepting() {
    let (management, app) = built(Builder::starting);
    let both = r#"{"status":"OUT_OF_SERVICE","components":{"availability":{"status":"OUT_OF_SERVICE"},"db":{"status":"UP"}}}"#;
    answers(&app, "/z/health", (503, both)).await;
    answers(&app, "/z/health/readiness?verbose", (503, both)).await;
    answers(&app, "/z/health/readiness?exclude=availability", UP).await;
    answers(&app, "/z/health/availability", OUT_OF_SERVICE).await;
    let report = management.readiness().await;
    assert_eq!(report.status(), Status::OutOfService);
    assert_eq!(report.components()[0].health().reason(), Some("starting"));
    management.availability().accepting();
    answers(&app, "/z/health", (200, r#"{"status":"UP","components":{"db":{"status":"UP"}}}"#))
        .await;
    answers(&app, "/z/health/availability", UP).await;
    let alone = management.check("availability").await.unwrap();
    assert_eq!(alone.status(), Status::Up);
}

#[tokio::test]
async fn why_is_a_detail() {
    let (management, app) = built(|builder| builder.show_details(ShowDetails::always()));
    management.availability().refusing("postgres://u:hunter2@db is moved\ntonight");
    let body = get(&app, "/z/health/availability").await.body;
    assert!(body.contains("db is moved"), "{body}");
    assert!(!body.contains("hunter2") && !body.contains('\n'), "{body}");
}

#[tokio::test]
async fn each_change_is_told_once() {
    let lines = Lines::default();
    let _guard = lines.capture();
    let (management, _) = built(Builder::starting);
    let availability = management.availability();
    let mut seen = availability.subscribe();
    assert_eq!(*seen.borrow_and_update(), AvailabilityState::Starting);
    lines.take();
    for _ in 0..2 {
        availability.accepting();
    }
    availability.refusing("maintenance");
    availability.broken("a worker panicked");
    assert_eq!(
        lines.take(),
        [
            "INFO availability STARTING → ACCEPTING",
            "INFO availability ACCEPTING → REFUSING: maintenance",
            "WARN availability REFUSING → BROKEN: a worker panicked",
        ]
    );
    assert!(seen.has_changed().unwrap());
    assert_eq!(*seen.borrow_and_update(), AvailabilityState::Broken);
}

#[tokio::test]
async fn from_a_drain_there_is_no_way_back() {
    let lines = Lines::default();
    let (management, app) = built(|builder| builder);
    probes(&app, UP, UP).await;
    let _guard = lines.capture();
    let availability = management.availability();
    availability.drain("SIGTERM");
    availability.accepting();
    availability.drain("again");
    assert!(availability.is_draining());
    probes(&app, OUT_OF_SERVICE, UP).await;
    assert_eq!(
        lines.take(),
        [
            "INFO availability ACCEPTING → REFUSING: draining after SIGTERM; requests are served for \
             10s before servers stop",
            "INFO availability stays REFUSING: during a drain, ACCEPTING has no effect",
            "INFO readiness UP → OUT_OF_SERVICE: availability: draining after SIGTERM",
            "INFO health UP → OUT_OF_SERVICE: availability: draining after SIGTERM",
        ]
    );
    availability.broken("a worker panicked");
    probes(&app, DOWN, DOWN).await;
}

/// What a check says that is slower than the drain, or has no result yet, changes nothing.
#[tokio::test(start_paused = true)]
async fn a_drain_raises_no_alarm() {
    let lines = Lines::default();
    let hour = Duration::from_secs(3600);
    let late = Check::new("late", async || std::future::pending::<()>().await).timeout(hour);
    let (management, app) = built(|builder| builder.check(late));
    management.availability().drain("SIGTERM");
    let _guard = lines.capture();
    get(&app, "/z/health").await;
    let told = lines.take();
    let health: Vec<_> = told.iter().filter(|line| line.contains(" health ")).collect();
    assert!(
        matches!(&health[..], [line] if line.starts_with("INFO health OUT_OF_SERVICE: ")),
        "{told:?}"
    );
}

#[tokio::test]
async fn another_server_mends_what_one_has_broken_that_ended() {
    let lines = Lines::default();
    let _guard = lines.capture();
    let (management, app) = built(Builder::starting);
    let availability = management.availability();
    drop(lifecycle::start_server(&management));
    probes(&app, DOWN, DOWN).await;
    lines.take();
    let server = lifecycle::start_server(&management);
    probes(&app, UP, UP).await;
    assert_eq!(lines.take()[0], "INFO availability BROKEN → ACCEPTING");
    // What somebody has said stays.
    availability.broken("a worker panicked");
    drop(server);
    let _server = lifecycle::start_server(&management);
    probes(&app, DOWN, DOWN).await;
}

/// How long it takes until servers stop.
async fn stopping(availability: &Availability, then: impl AsyncFnOnce()) -> Duration {
    let begun = Instant::now();
    let stopping = tokio::spawn(availability.stopping());
    then().await;
    stopping.await.unwrap();
    begun.elapsed().round_to_seconds()
}

trait Round {
    fn round_to_seconds(self) -> Duration;
}

impl Round for Duration {
    fn round_to_seconds(self) -> Duration {
        Duration::from_secs((self.as_millis() as f64 / 1000.0).round() as u64)
    }
}

#[tokio::test(start_paused = true)]
async fn servers_stop_when_the_delay_is_over() {
    let seconds = Duration::from_secs;
    for (delay, second_after, stopped_after) in [(10, None, 10), (10, Some(3), 3), (0, None, 0)] {
        let (management, _) = built(|builder| builder.drain_delay(seconds(delay)));
        let availability = management.availability();
        let took = stopping(availability, async || {
            availability.drain("SIGTERM");
            if let Some(second) = second_after {
                sleep(seconds(second)).await;
                availability.stop("SIGTERM again");
            }
        });
        assert_eq!(took.await, seconds(stopped_after), "{delay} {second_after:?}");
    }
    let (management, _) = built(|builder| builder);
    let availability = management.availability();
    assert_eq!(stopping(availability, async || availability.stop("Ctrl-C")).await, Duration::ZERO);
    // Whoever asks later is told at once.
    availability.stopping().await;
}

#[tokio::test(start_paused = true)]
async fn checks_in_the_background_rest_in_a_drain() {
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let lines = Lines::default();
    let _guard = lines.capture();
    let pool = Check::new("pool", move || {
        let run = counted.fetch_add(1, Ordering::Relaxed);
        async move { run < 3 }
    });
    let second = Duration::from_secs(1);
    let pool = pool.liveness().interval(second).timeout(second).valid_for(2 * second);
    let (management, app) = built(|builder| builder.check(pool));
    while runs.load(Ordering::Relaxed) < 3 {
        sleep(second / 10).await;
    }
    management.availability().drain("SIGTERM");
    let late = Check::new("late", async || false).interval(second);
    management.register(late).unwrap();
    lines.take();
    for _ in 0..20 {
        sleep(second).await;
        answers(&app, "/z/health/liveness", UP).await;
        get(&app, "/z/health").await;
    }
    assert_eq!(runs.load(Ordering::Relaxed), 3);
    let told = lines.take();
    // But for the one that came too late to be run.
    let alarm = |line: &&String| line.starts_with("WARN") && !line.contains("late no result yet");
    assert_eq!(told.iter().find(alarm), None);
}

#[tokio::test]
async fn a_server_that_ends_outside_of_a_drain_is_broken() {
    let (management, app) = built(Builder::starting);
    let availability = management.availability();
    let server = lifecycle::start_server(&management);
    assert_eq!(availability.state(), AvailabilityState::Accepting);
    drop(server);
    assert_eq!(availability.state(), AvailabilityState::Broken);
    probes(&app, DOWN, DOWN).await;

    let (management, _) = built(|builder| builder);
    let availability = management.availability();
    let server = lifecycle::start_server(&management);
    availability.drain("SIGTERM");
    drop(server);
    lifecycle::servers_ended(&management).await;
    assert_eq!(availability.state(), AvailabilityState::Refusing);
}

#[test]
fn a_server_that_is_expected_is_heard_where_nobody_has_spoken() {
    let (management, _) = built(|builder| builder);
    let availability = management.availability();
    lifecycle::expect_server(&management);
    // It is not accepting any more.
    lifecycle::confirm_accepting(&management);
    lifecycle::expect_server(&management);
    assert_eq!(availability.state(), AvailabilityState::Starting);
    availability.accepting();
    lifecycle::expect_server(&management);
    assert_eq!(availability.state(), AvailabilityState::Accepting);

    let (management, _) = built(|builder| builder);
    let availability = management.availability();
    lifecycle::confirm_accepting(&management);
    lifecycle::expect_server(&management);
    assert_eq!(availability.state(), AvailabilityState::Accepting);
}

#[tokio::test]
async fn a_server_that_comes_in_a_drain_changes_nothing() {
    for is_told in [false, true] {
        let (management, app) = built(|builder| builder);
        let availability = management.availability();
        if is_told {
            lifecycle::expect_server(&management);
        }
        availability.drain("SIGTERM");
        lifecycle::expect_server(&management);
        let server = lifecycle::start_server(&management);
        assert_eq!(availability.state(), AvailabilityState::Refusing, "{is_told}");
        probes(&app, OUT_OF_SERVICE, UP).await;
        drop(server);
        probes(&app, OUT_OF_SERVICE, UP).await;
    }
}

#[test]
fn whoever_is_formatted_or_logs_may_ask() {
    struct Curious(Availability);
    impl std::fmt::Display for Curious {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "{:?} {}", self.0.drain_reason(), self.0.state())
        }
    }
    let (management, _) = built(|builder| builder);
    let availability = management.availability();
    availability.refusing(Curious(availability.clone()));
    availability.drain(Curious(availability.clone()));
    availability.stop(Curious(availability.clone()));
    availability.broken(Curious(availability.clone()));
    assert_eq!(availability.drain_reason().as_deref(), Some("None REFUSING"));
}

#[test]
fn an_address_to_listen_at_is_taken_once() {
    let (management, _) = built(|builder| builder.listen("127.0.0.1:0"));
    let listen = || lifecycle::listen_address(&management);
    assert_eq!(listen().as_deref(), Some("127.0.0.1:0"));
    let taken = lifecycle::take_listen_address(&management).unwrap();
    assert_eq!(taken.as_str(), "127.0.0.1:0");
    assert_eq!(listen(), None);
    assert!(lifecycle::take_listen_address(&management).is_none());
    drop(taken);
    assert_eq!(listen().as_deref(), Some("127.0.0.1:0"));
    lifecycle::take_listen_address(&management).unwrap().keep();
    assert_eq!(listen(), None);
    // Without a server that listens there, nobody would ever end the start.
    assert_eq!(management.availability().state(), AvailabilityState::Accepting);
}

#[test]
fn an_address_to_listen_at_has_a_port() {
    for address in ["8081", "0.0.0.0", "0.0.0.0:99999", ":8081", "http://h:1", "::1:80", ""] {
        let error = Management::builder().listen(address).build().unwrap_err();
        let told = format!("`listen` is {address:?}: it is not an address with a port");
        assert!(error.to_string().contains(&told), "{error}");
    }
    let relative = Management::builder().listen("unix:management.sock").build().unwrap_err();
    assert!(
        relative.to_string().contains("the path of a Unix socket must be absolute"),
        "{relative}"
    );
    for address in ["[::1]:0", "localhost:8081", "0.0.0.0:80"] {
        assert!(Management::builder().listen(address).build().is_ok(), "{address}");
    }
}
