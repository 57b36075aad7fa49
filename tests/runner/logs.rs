//! The log tells why, once.

use std::sync::{Arc, Mutex};

use management_core::{Check, Health, Management};
use support::Lines;
use tokio::time::sleep;

use super::{Runs, secs, with};

/// A check whose health the test sets.
fn settable(name: &str) -> (Check, Arc<Mutex<Health>>) {
    let health = Arc::new(Mutex::new(Health::up()));
    let own = Arc::clone(&health);
    (Check::new(name, move || std::future::ready(own.lock().unwrap().clone())), health)
}

#[test]
fn nothing_at_all_is_a_warning() {
    let lines = Lines::default();
    let _guard = lines.capture();
    for builder in [Management::builder(), Management::builder().without_registered()] {
        drop(builder.build().unwrap());
        let told = lines.take();
        let [first, warning] = &told[..] else { panic!("{told:?}") };
        assert!(first.starts_with("INFO registered 0 checks; 0 service dependencies; "), "{first}");
        assert!(warning.starts_with("WARN nothing is registered or added"), "{warning}");
        assert!(warning.contains("`--allow-multiple-definition`"), "{warning}");
    }
    for builder in [
        Management::builder().check(Check::new("db", async || ())),
        Management::builder().version_provider(async || "1"),
        Management::builder().info_contributor("git", async || Ok::<_, std::fmt::Error>(1)),
        Management::builder().service_dependency("users", "127.0.0.1:1"),
    ] {
        drop(builder.build().unwrap());
        let told = lines.take();
        assert!(told.iter().all(|line| !line.starts_with("WARN")), "{told:?}");
    }
}

#[test]
fn what_there_is_is_told_by_name() {
    let lines = Lines::default();
    let _guard = lines.capture();
    let builder = Management::builder()
        .service_dependency("users", "127.0.0.1:1")
        .service_dependency("orders", "127.0.0.1:1")
        .version_provider(async || "1")
        .info_contributor("git", async || Ok::<_, std::fmt::Error>(1))
        .check(Check::new("db, read-only", async || ()))
        .check(Check::new("db", async || ()));
    drop(builder.build().unwrap());
    assert_eq!(
        lines.take(),
        [
            "INFO registered 2 checks: db, \"db, read-only\"; 2 service dependencies: orders, users; a version provider; \
          1 info contributor: git"
        ]
    );
}

#[test]
fn state_that_nothing_takes_is_one_line() {
    struct Pool;
    let lines = Lines::default();
    let _guard = lines.capture();
    let builder =
        Management::builder().check(Check::new("db", async || ())).state(Pool).state(1_u8);
    drop(builder.build().unwrap());
    let told = lines.take();
    let [_, unused] = &told[..] else { panic!("{told:?}") };
    let (start, of_pool) = unused.split_once("::Pool` at ").expect("the types");
    assert!(
        start.starts_with("INFO no function takes this state: `in_process::runner::logs::"),
        "{unused}"
    );
    let of_u8 = of_pool.split_once(", `u8` at ").expect("the other type").1;
    assert!(of_pool.starts_with("tests/runner/logs.rs:"), "{unused}");
    assert!(of_u8.starts_with("tests/runner/logs.rs:"), "{unused}");
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_two_lines_and_two_when_it_is_over() {
    let lines = Lines::default();
    let _guard = lines.capture();
    let (db, health) = settable("db");
    let management = with([db.readiness(), Check::new("cache", async || ()).readiness()]);
    assert_eq!(
        lines.take(),
        [
            "INFO registered 2 checks: cache, db; 0 service dependencies; no version provider; 0 info contributors"
        ]
    );
    for _ in 0..10 {
        management.readiness().await;
        sleep(secs(10)).await;
    }
    assert_eq!(lines.take(), [""; 0], "that all is well is no news");

    for second in 0..50 {
        // The text differs from poll to poll, the status does not.
        *health.lock().unwrap() = Health::down(format!("refused, attempt {second}"));
        management.readiness().await;
        sleep(secs(10)).await;
    }
    let said = lines.take();
    assert_eq!(
        said[..2],
        [
            "WARN db UP → DOWN: refused, attempt 0",
            "WARN readiness UP → DOWN: db: refused, attempt 0",
        ]
    );
    // One a minute of the 500 s, although each run has a text of its own.
    let again = (1..50).step_by(6).map(|n| format!("WARN db still DOWN: refused, attempt {n}"));
    assert_eq!(said[2..], again.collect::<Vec<_>>());
    *health.lock().unwrap() = Health::degraded("slow");
    for _ in 0..10 {
        management.readiness().await;
        sleep(secs(10)).await;
    }
    assert_eq!(
        lines.take(),
        ["INFO db DOWN → DEGRADED: slow", "INFO readiness DOWN → DEGRADED: db: slow"]
    );
    *health.lock().unwrap() = Health::up();
    management.readiness().await;
    assert_eq!(lines.take(), ["INFO db DEGRADED → UP", "INFO readiness DEGRADED → UP"]);
}

#[tokio::test(start_paused = true)]
async fn another_reason_is_told_once() {
    let lines = Lines::default();
    let _guard = lines.capture();
    let (db, health) = settable("db");
    let management = with([db.ttl(secs(0)).readiness()]);
    lines.take();
    let mut told = Vec::new();
    for (reason, seconds) in [
        ("connection refused", 1),
        ("password authentication failed", 1),
        // Within a minute of the last one.
        ("too many connections", 1),
        ("the database is starting up", 60),
    ] {
        *health.lock().unwrap() = Health::down(reason);
        for _ in 0..3 {
            management.check("db").await;
        }
        told.push(lines.take());
        sleep(secs(seconds)).await;
    }
    management.check("db").await;
    told.push(lines.take());
    *health.lock().unwrap() = Health::up();
    management.check("db").await;
    told.push(lines.take());
    // What was told of an earlier outage is news in the next one.
    *health.lock().unwrap() = Health::down("the database is starting up");
    management.check("db").await;
    told.push(lines.take());
    assert_eq!(
        told,
        [
            vec!["WARN db DOWN: connection refused"],
            vec!["WARN db still DOWN: password authentication failed"],
            vec![],
            vec![],
            vec!["WARN db still DOWN: the database is starting up"],
            vec!["INFO db DOWN → UP"],
            vec!["WARN db UP → DOWN: the database is starting up"],
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_down_from_the_start_is_told() {
    let lines = Lines::default();
    let _guard = lines.capture();
    let management = with([
        Check::new("db", || async { std::future::pending::<()>().await }).timeout(secs(2)),
        Check::new("cache", async || false),
    ]);
    lines.take();
    management.health().await;
    assert_eq!(
        lines.take(),
        [
            "WARN cache DOWN",
            "WARN db DOWN: timed out after 2s",
            "WARN health DOWN: cache: DOWN; db: timed out after 2s"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn causes_are_apart_and_show_what_counts() {
    let lines = Lines::default();
    let _guard = lines.capture();
    let (db, health) = settable("db");
    let management = with([
        db.timeout(secs(2)),
        Check::new("cache", async || true).critical(false),
        Check::new("replica", async || Health::degraded("replica 2 lags")).critical(false),
        Check::new("bg", async || false).critical(false).groups(["g"]),
    ]);
    management.health().await;
    lines.take();
    *health.lock().unwrap() = Health::down("timed out after 2s");
    sleep(secs(10)).await;
    management.health().await;
    management.group("g").await.unwrap();
    assert_eq!(
        lines.take(),
        [
            "WARN db UP → DOWN: timed out after 2s",
            "WARN health DEGRADED → DOWN: bg (not critical): DOWN; db: timed out after 2s; \
             replica (not critical): replica 2 lags",
            "WARN group g DEGRADED: bg (not critical): DOWN",
        ]
    );
}

/// A text that looks like another cause is quoted, and so is a name.
#[tokio::test(start_paused = true)]
async fn causes_cannot_be_mistaken_for_each_other() {
    let lines = Lines::default();
    let _guard = lines.capture();
    let management = with([
        Check::new("a", async || Err::<(), _>("refused; db: DOWN")),
        Check::new("b", async || Err::<(), _>("\"quoted\" and: more")),
        Check::new("c; d: x", async || false),
        Check::new("e (not critical)", async || false),
        Check::new("f", async || Err::<(), _>("the \"end\": closed")),
    ]);
    management.health().await;
    let said = lines.take();
    assert_eq!(
        said.last().unwrap(),
        "WARN health DOWN: a: \"refused; db: DOWN\"; b: \"\\\"quoted\\\" and: more\"; \"c; d: x\": DOWN; \
         \"e (not critical)\": DOWN; f: the \"end\": closed"
    );
}

#[tokio::test(start_paused = true)]
async fn the_causes_that_count_most_are_kept() {
    let lines = Lines::default();
    let _guard = lines.capture();
    let minor =
        (0..20).map(|number| Check::new(format!("a{number:02}"), async || false).critical(false));
    with(minor.chain([Check::new("z", async || false)])).health().await;
    let said = lines.take();
    let answer = said.last().unwrap();
    assert!(answer.contains("; z: DOWN; and 11 more"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_line_has_room_for_ten_causes() {
    let lines = Lines::default();
    let _guard = lines.capture();
    let failing = (0..100).map(|number| {
        Check::new(format!("check {number:02}"), async || Err::<(), _>("x".repeat(5000)))
    });
    with(failing).health().await;
    let said = lines.take();
    let answer = said.last().unwrap();
    assert!(answer.starts_with("WARN health DOWN: check 00: xxx"), "{answer}");
    assert!(answer.ends_with("; and 90 more") && answer.len() < 11_000, "{}", answer.len());
}

#[tokio::test(start_paused = true)]
async fn a_check_that_begins_to_exceed_the_probe_budget_is_one_line() {
    let lines = Lines::default();
    let _guard = lines.capture();
    let runs = Runs::default();
    let management = with([
        runs.taking("probed", secs(2)).readiness(),
        // No probe reads it, so nobody gives up on it.
        runs.taking("unprobed", secs(2)),
    ]);
    lines.take();
    for _ in 0..10 {
        management.readiness().await;
        management.health().await;
        sleep(secs(10)).await;
    }
    assert_eq!(
        lines.take(),
        [
            "WARN readiness UNKNOWN: probed: no result within 800ms",
            "WARN check probed took 2s, longer than the probe budget of 800ms: answers use its last result; set `interval` to run it in the background",
            "INFO readiness UNKNOWN → UP",
        ]
    );
}

/// It is run until it has succeeded, and never again.
#[tokio::test(start_paused = true)]
async fn a_slow_start_is_no_line() {
    let lines = Lines::default();
    let _guard = lines.capture();
    let runs = Runs::default();
    let management = with([runs.taking("migrated", secs(3)).startup()]);
    lines.take();
    sleep(secs(4)).await;
    management.readiness().await;
    assert_eq!((lines.take(), runs.ended()), (Vec::new(), 1));
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_check_in_the_background() {
    let lines = Lines::default();
    let _guard = lines.capture();
    let runs = Runs::default();
    let management = with([runs.taking("db", secs(2)).readiness().interval(secs(5))]);
    lines.take();
    sleep(secs(3)).await;
    for _ in 0..10 {
        management.readiness().await;
        sleep(secs(1)).await;
    }
    assert_eq!(lines.take(), [""; 0]);
    assert!(runs.ended() > 1);
}

#[tokio::test(start_paused = true)]
async fn an_answer_with_checks_left_out_is_no_change() {
    let lines = Lines::default();
    let _guard = lines.capture();
    let management = with([Check::new("db", async || false).readiness()]);
    management.readiness().await;
    lines.take();
    let app = management_axum::router(&management);
    let answer = support::get(&app, "/z/health/readiness?exclude=db").await;
    assert_eq!(answer.status, 200);
    assert_eq!(lines.take(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn answers_over_http_are_told_too() {
    let lines = Lines::default();
    let _guard = lines.capture();
    let (db, health) = settable("db");
    let app = management_axum::router(&with([db.readiness()]));
    support::get(&app, "/z/health/readiness").await;
    lines.take();
    *health.lock().unwrap() = Health::down("refused");
    sleep(secs(2)).await;
    for _ in 0..3 {
        support::get(&app, "/z/health/readiness").await;
    }
    assert_eq!(
        lines.take(),
        ["WARN db UP → DOWN: refused", "WARN readiness UP → DOWN: db: refused"]
    );
}
