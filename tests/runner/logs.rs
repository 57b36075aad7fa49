//! The log tells why, once.

use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};

use management_core::{Check, Health, Management, Status};
use support::Lines;
use tokio::time::sleep;

use super::{Runs, secs, settable, with};

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

#[test]
fn what_is_configured_is_told() {
    let lines = Lines::default();
    let _guard = lines.capture();
    let json = r#"{"checks": {"db": {"critical": false, "fail_after": 3, "timeout": "2s",
        "interval": "30s", "retry": "2s", "valid_for": "5m"}}}"#;
    let builder = Management::builder().config(serde_json::from_str(json).unwrap());
    drop(builder.check(Check::new("db", async || ())).build().unwrap());
    let told = lines.take().join("\n");
    assert!(told.contains("check db at tests/runner/logs.rs:"), "{told}");
    assert!(
        told.contains(
            " is configured: critical false, fail_after 3, timeout 2s, interval 30s, retry 2s, valid_for 5m"
        ),
        "{told}"
    );
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
async fn tolerated_failures_are_one_line() {
    let lines = Lines::default();
    let _guard = lines.capture();
    let (db, health) = settable("db");
    let management = with([db.ttl(secs(0)).fail_after(3)]);
    lines.take();
    let mut told = Vec::new();
    for (next, times) in [
        (Health::up(), 2),
        (Health::down("connection refused"), 1),
        // Another reason is no news until the check fails.
        (Health::down("connection reset"), 1),
        (Health::down("connection refused"), 2),
        (Health::down("host unreachable"), 1),
        (Health::up(), 2),
        // Recovered in time.
        (Health::new(Status::Unknown), 2),
        (Health::up(), 1),
        // A success that is not `UP`, before and after.
        (Health::degraded("slow"), 1),
        (Health::down("connection refused"), 2),
        (Health::degraded("slow"), 2),
        (Health::new(Status::Degraded), 1),
        (Health::down("connection refused"), 3),
    ] {
        *health.lock().unwrap() = next;
        for _ in 0..times {
            management.check("db").await;
        }
        told.push(lines.take());
    }
    assert_eq!(
        told,
        [
            vec![],
            vec!["WARN db UP → DEGRADED: connection refused (failure 1 of 3)"],
            vec![],
            vec!["WARN db DEGRADED → DOWN: connection refused"],
            vec!["WARN db still DOWN: host unreachable"],
            vec!["INFO db DOWN → UP"],
            vec!["WARN db UP → DEGRADED (failure 1 of 3)"],
            vec!["INFO db DEGRADED → UP"],
            vec!["WARN db UP → DEGRADED: slow"],
            vec!["WARN db DEGRADED: connection refused (failure 1 of 3)"],
            vec!["INFO db works again, DEGRADED: slow"],
            vec![],
            vec![
                "WARN db DEGRADED: connection refused (failure 1 of 3)",
                "WARN db DEGRADED → DOWN: connection refused",
            ],
        ]
    );
}

/// What a panic says is for the log alone.
#[tokio::test(start_paused = true)]
async fn a_tolerated_panic_is_told_with_its_message() {
    let lines = Lines::default();
    let _guard = lines.capture();
    let runs = AtomicUsize::new(0);
    let check = Check::new("db", move || {
        let run = runs.fetch_add(1, Ordering::SeqCst);
        async move { assert_eq!(run, 0, "no pool") }
    });
    let management = with([check.ttl(secs(0)).fail_after(2)]);
    management.check("db").await;
    lines.take();
    let db = management.check("db").await.unwrap();
    assert_eq!((db.status(), db.health().reason()), (Status::Degraded, Some("panicked")));
    let told = lines.take();
    let [line] = &told[..] else { panic!("{told:?}") };
    assert!(line.starts_with("WARN db UP → DEGRADED: panicked: "), "{line}");
    assert!(line.contains("no pool") && line.ends_with(" (failure 1 of 2)"), "{line}");
}

/// A failed run has a line of its own, so it is not told to be slow as well.
#[tokio::test(start_paused = true)]
async fn a_tolerated_timeout_is_not_slow() {
    let lines = Lines::default();
    let _guard = lines.capture();
    let runs = AtomicUsize::new(0);
    let check = Check::new("db", move || {
        let run = runs.fetch_add(1, Ordering::SeqCst);
        async move {
            if run > 0 {
                pending::<()>().await;
            }
        }
    });
    let management = with([check.readiness().timeout(secs(2)).fail_after(3)]);
    management.readiness().await;
    lines.take();
    for _ in 0..3 {
        sleep(secs(10)).await;
        management.readiness().await;
        sleep(secs(2)).await;
    }
    assert_eq!(
        lines.take(),
        [
            "WARN db UP → DEGRADED: timed out after 2s (failure 1 of 3)",
            "WARN readiness UP → DEGRADED: db: timed out after 2s",
            "WARN db DEGRADED → DOWN: timed out after 2s",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_down_from_the_start_is_told() {
    let lines = Lines::default();
    let _guard = lines.capture();
    let management = with([
        Check::new("db", || async { pending::<()>().await }).timeout(secs(2)),
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
