//! How many failures are tolerated, and how soon a failure is repeated.

use std::future::{pending, ready};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use management_core::{
    Builder, Check, Component, Dependency, Health, Management, ShowDetails, Status,
};
use serde_json::Value;
use support::get;
use tokio::time::{Instant, advance, sleep};

use super::{ms, one, secs, settable, with};

fn refused() -> Health {
    Health::down("connection refused").detail("host", "db-1")
}

fn summary(component: &Component) -> (Status, u32) {
    (component.status(), component.failures())
}

#[tokio::test(start_paused = true)]
async fn a_check_fails_once_its_failures_reach_the_threshold() {
    for (failure, status) in [
        (refused(), Status::Down),
        (Health::unknown("no answer"), Status::Unknown),
        (Health::out_of_service("paused"), Status::OutOfService),
    ] {
        let (db, health) = settable("db");
        let management = with([db.ttl(ms(0)).fail_after(3)]);
        assert_eq!(summary(&one(&management, "db").await), (Status::Up, 0));
        *health.lock().unwrap() = failure.clone();
        for failures in 1..=5 {
            let db = one(&management, "db").await;
            let expected = if failures < 3 { Status::Degraded } else { status };
            assert_eq!(summary(&db), (expected, failures));
            assert_eq!(db.health().reason(), failure.reason());
            assert_eq!(db.health().details(), failure.details());
        }
        *health.lock().unwrap() = Health::up();
        assert_eq!(summary(&one(&management, "db").await), (Status::Up, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_check_that_has_never_succeeded_fails_at_once() {
    let (db, health) = settable("db");
    *health.lock().unwrap() = refused();
    let management = with([db.ttl(ms(0)).fail_after(3)]);
    for failures in 1..=4 {
        assert_eq!(summary(&one(&management, "db").await), (Status::Down, failures));
    }
    *health.lock().unwrap() = Health::up();
    one(&management, "db").await;
    *health.lock().unwrap() = refused();
    assert_eq!(summary(&one(&management, "db").await), (Status::Degraded, 1));
}

#[tokio::test(start_paused = true)]
async fn a_success_resets_the_count() {
    let (db, health) = settable("db");
    let management = with([db.ttl(ms(0)).fail_after(2)]);
    for success in [Health::up(), Health::degraded("slow"), Health::up()] {
        *health.lock().unwrap() = success.clone();
        assert_eq!(summary(&one(&management, "db").await), (success.status(), 0));
        *health.lock().unwrap() = refused();
        assert_eq!(summary(&one(&management, "db").await), (Status::Degraded, 1));
    }
    assert_eq!(summary(&one(&management, "db").await), (Status::Down, 2));
}

#[tokio::test(start_paused = true)]
async fn by_default_the_first_failure_counts() {
    let (db, health) = settable("db");
    let management = with([db.ttl(ms(0))]);
    one(&management, "db").await;
    *health.lock().unwrap() = refused();
    assert_eq!(summary(&one(&management, "db").await), (Status::Down, 1));
}

#[tokio::test(start_paused = true)]
async fn timeouts_and_panics_are_failures_too() {
    let runs = Arc::new(AtomicUsize::new(0));
    let own = Arc::clone(&runs);
    let check = Check::new("db", move || {
        let run = own.fetch_add(1, Ordering::SeqCst);
        async move {
            match run {
                1 => pending().await,
                2 => panic!("the third run panics"),
                3 => false,
                _ => true,
            }
        }
    });
    let management = with([check.ttl(ms(0)).timeout(secs(2)).fail_after(4)]);
    for (status, failures, reason) in [
        (Status::Up, 0, None),
        (Status::Degraded, 1, Some("timed out after 2s")),
        (Status::Degraded, 2, Some("panicked")),
        (Status::Degraded, 3, None),
        (Status::Up, 0, None),
    ] {
        let db = one(&management, "db").await;
        assert_eq!((summary(&db), db.health().reason()), ((status, failures), reason));
    }
}

#[tokio::test]
async fn a_run_that_does_not_end_counts_by_its_time() {
    let (begins, begun) = std::sync::mpsc::channel();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = Mutex::new(released);
    let mut blocks = false;
    let stuck = Mutex::new(move || {
        if std::mem::replace(&mut blocks, true) {
            begins.send(()).unwrap();
            _ = released.lock().unwrap().recv();
        }
    });
    let timeout = secs(1);
    let check = Check::blocking("db", move || (stuck.lock().unwrap())());
    let management = with([check.timeout(timeout).ttl(ms(0)).fail_after(3)]);
    assert_eq!(summary(&one(&management, "db").await), (Status::Up, 0));
    let db = one(&management, "db").await;
    let began = Instant::now() - timeout;
    begun.recv().unwrap();
    assert_eq!(summary(&db), (Status::Degraded, 1));
    // However many requests there are, it is one run.
    loop {
        let asked = Instant::now();
        let db = one(&management, "db").await;
        if asked - began + ms(100) < timeout * 3 && asked.elapsed() < ms(50) {
            assert!(db.status() == Status::Degraded && db.failures() < 3, "{db:?}");
        }
        if db.status() == Status::Down {
            assert!(db.failures() == 3 && timeout * 3 <= began.elapsed() + ms(100), "{db:?}");
            break;
        }
        sleep(ms(20)).await;
    }
    drop(release);
}

#[tokio::test(start_paused = true)]
async fn answers_and_subscribers_get_the_tolerated_failure() {
    let (db, health) = settable("db");
    let management = Management::builder()
        .show_details(ShowDetails::always())
        .check(db.readiness().ttl(ms(0)).fail_after(2))
        .build()
        .unwrap();
    let app = management_axum::router(&management);
    let mut results = management.subscribe();
    let mut said = Vec::new();
    for next in [Health::up(), refused(), refused(), Health::up()] {
        *health.lock().unwrap() = next;
        let answer = get(&app, "/z/health/readiness?verbose").await;
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        let db = &body["components"]["db"];
        said.push((answer.status.as_u16(), db["status"].clone(), db["failures"].clone()));
        let told = results.recv().await.unwrap();
        assert_eq!(
            (told.status().as_str(), told.failures()),
            (
                db["status"].as_str().unwrap(),
                u32::try_from(db["failures"].as_u64().unwrap()).unwrap(),
            )
        );
        if db["failures"] != 0 {
            assert_eq!(db["details"]["error"], "connection refused");
            assert_eq!(db["details"]["host"], "db-1");
        }
    }
    let expected = [(200, "UP", 0), (200, "DEGRADED", 1), (503, "DOWN", 2), (200, "UP", 0)];
    let expected = expected.map(|(code, status, failures)| (code, status.into(), failures.into()));
    assert_eq!(said, expected);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_reused_for_a_second_at_most() {
    for fail_after in [1, 3] {
        let (db, health) = settable("db");
        let management = with([db.ttl(secs(60)).fail_after(fail_after)]);
        one(&management, "db").await;
        *health.lock().unwrap() = refused();
        advance(ms(59_999)).await;
        assert_eq!(one(&management, "db").await.failures(), 0, "a success, for its ttl");
        advance(ms(1)).await;
        assert_eq!(one(&management, "db").await.failures(), 1);
        advance(ms(999)).await;
        assert_eq!(one(&management, "db").await.failures(), 1);
        advance(ms(1)).await;
        assert_eq!(one(&management, "db").await.failures(), 2);
        *health.lock().unwrap() = Health::up();
        advance(secs(1)).await;
        assert_eq!(one(&management, "db").await.status(), Status::Up);
        *health.lock().unwrap() = refused();
        advance(secs(59)).await;
        assert_eq!(one(&management, "db").await.status(), Status::Up, "for its ttl again");
    }
}

#[tokio::test(start_paused = true)]
async fn a_shorter_ttl_holds_for_failures_too() {
    let (db, health) = settable("db");
    *health.lock().unwrap() = refused();
    let (none, none_health) = settable("none");
    *none_health.lock().unwrap() = refused();
    let management = with([db.ttl(ms(300)), none.ttl(ms(0))]);
    for (wait, failures, without_ttl) in [(0, 1, 1), (299, 1, 2), (1, 2, 3), (300, 3, 4)] {
        advance(ms(wait)).await;
        assert_eq!(one(&management, "db").await.failures(), failures);
        assert_eq!(one(&management, "none").await.failures(), without_ttl);
    }
}

/// The router keeps whole answers.
#[tokio::test(start_paused = true)]
async fn a_kept_answer_is_no_older_than_its_failures() {
    let (db, health) = settable("db");
    let app = management_axum::router(&with([db.readiness().ttl(secs(60))]));
    let code = async || get(&app, "/z/health/readiness").await.status.as_u16();
    *health.lock().unwrap() = refused();
    assert_eq!((code().await, code().await), (503, 503));
    *health.lock().unwrap() = Health::up();
    advance(ms(999)).await;
    assert_eq!(code().await, 503);
    advance(ms(1)).await;
    assert_eq!((code().await, code().await), (200, 200));
}

/// A replacement has the kind, and so the `ttl`, of the dependency.
fn replaced(dependency: Dependency) -> (Builder, Arc<Mutex<Health>>) {
    let (users, health) = settable("users");
    (Management::builder().service_dependency("users", dependency).replace(users), health)
}

#[tokio::test(start_paused = true)]
async fn a_failed_dependency_is_asked_again_after_a_second() {
    let (builder, health) = replaced(Dependency::new("h"));
    let management = builder.build().unwrap();
    one(&management, "users").await;
    *health.lock().unwrap() = refused();
    advance(ms(4_999)).await;
    assert_eq!(one(&management, "users").await.failures(), 0);
    advance(ms(1)).await;
    assert_eq!(one(&management, "users").await.failures(), 1);
    advance(ms(999)).await;
    assert_eq!(one(&management, "users").await.failures(), 1);
    advance(ms(1)).await;
    assert_eq!(summary(&one(&management, "users").await), (Status::Down, 2));
}

#[tokio::test(start_paused = true)]
async fn a_dependency_of_readiness_has_a_threshold() {
    let by_program = replaced(Dependency::new("h").readiness().fail_after(2));
    let (users, health) = settable("users");
    let json =
        r#"{"service_dependencies": {"users": {"url": "h", "readiness": true, "fail_after": 2}}}"#;
    let config = serde_json::from_str(json).unwrap();
    let by_config = (Management::builder().config(config).replace(users), health);
    for (builder, health) in [by_program, by_config] {
        let management = builder.build().unwrap();
        assert_eq!(management.readiness().await.status(), Status::Up);
        *health.lock().unwrap() = refused();
        for expected in [Status::Degraded, Status::Down] {
            advance(secs(5)).await;
            assert_eq!(management.readiness().await.status(), expected);
            assert_eq!(management.health().await.status(), expected);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_dependency_is_retried_in_the_background() {
    let (builder, health) = replaced(Dependency::new("h").interval(secs(600)).retry(secs(2)));
    let management = builder.build().unwrap();
    let mut results = management.subscribe();
    *health.lock().unwrap() = refused();
    results.recv().await.unwrap();
    let start = Instant::now();
    assert_eq!(results.recv().await.unwrap().failures(), 2);
    assert!((ms(1_800)..=ms(2_201)).contains(&start.elapsed()), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_background_check_runs_faster_while_it_fails() {
    let starts = Arc::new(Mutex::new(Vec::new()));
    let own = Arc::clone(&starts);
    let check = Check::new("db", move || {
        let mut starts = own.lock().unwrap();
        starts.push(Instant::now());
        ready(!(2..=6).contains(&starts.len()))
    });
    let management = with([check.interval(secs(30)).retry(secs(2)).fail_after(3)]);
    let mut results = management.subscribe();
    let mut statuses = Vec::new();
    for _ in 0..9 {
        statuses.push(results.recv().await.unwrap().status());
    }
    let (up, degraded, down) = (Status::Up, Status::Degraded, Status::Down);
    assert_eq!(statuses, [up, degraded, degraded, down, down, down, up, up, up]);
    let starts = starts.lock().unwrap().clone();
    let gaps: Vec<_> = starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
    // A timer of tokio's is a millisecond late at most.
    let is_interval = |gap| (ms(27_000)..=ms(33_001)).contains(gap);
    let is_retry = |gap| (ms(1_800)..=ms(2_201)).contains(gap);
    let (first, rest) = gaps.split_first().unwrap();
    let (while_it_fails, after) = rest.split_at(5);
    assert!(is_interval(first) && while_it_fails.iter().all(is_retry), "{gaps:?}");
    assert!(after.iter().all(is_interval), "{gaps:?}");
}

/// Before its first success, a startup check fails at once, and is retried.
#[tokio::test(start_paused = true)]
async fn startup_ends_with_the_first_success_whatever_the_threshold() {
    let (model, health) = settable("model");
    *health.lock().unwrap() = Health::down("loading");
    let check = model.startup().interval(secs(600)).retry(secs(1)).fail_after(3);
    let management = with([check]);
    sleep(secs(10)).await;
    let failing = one(&management, "model").await;
    assert!(failing.status() == Status::Down && failing.failures() >= 9, "{failing:?}");
    assert_eq!(management.startup().await.status(), Status::Down);
    *health.lock().unwrap() = Health::up();
    sleep(secs(2)).await;
    assert_eq!(management.startup().await.status(), Status::Up);
    *health.lock().unwrap() = refused();
    sleep(secs(6000)).await;
    assert_eq!(management.startup().await.status(), Status::Up);
    assert_eq!(management.readiness().await.components().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_drain_keeps_a_tolerated_failure() {
    let (db, health) = settable("db");
    let check = db.readiness().interval(secs(30)).retry(secs(2)).fail_after(3);
    let management = with([check]);
    let mut results = management.subscribe();
    assert_eq!(results.recv().await.unwrap().status(), Status::Up);
    *health.lock().unwrap() = refused();
    assert_eq!(results.recv().await.unwrap().status(), Status::Degraded);
    management.availability().drain("the test");
    sleep(secs(100)).await;
    assert_eq!(summary(&one(&management, "db").await), (Status::Degraded, 1));
}

/// A result that is late is the last one, and no failure of its own.
#[tokio::test(start_paused = true)]
async fn a_stale_failure_stays_tolerated() {
    let runs = Arc::new(AtomicUsize::new(0));
    let own = Arc::clone(&runs);
    let check = Check::new("db", move || {
        let run = own.fetch_add(1, Ordering::SeqCst);
        async move {
            if run == 2 {
                sleep(secs(3)).await;
            }
            run == 0
        }
    });
    let management = with([check.readiness().fail_after(3)]);
    management.readiness().await;
    for (is_stale, failures) in [(false, 1), (true, 1), (false, 2)] {
        sleep(secs(3)).await;
        let readiness = management.readiness().await;
        let db = readiness.component("db").unwrap();
        assert_eq!((summary(db), db.is_stale()), ((Status::Degraded, failures), is_stale));
    }
}

#[tokio::test(start_paused = true)]
async fn a_threshold_comes_from_the_nearest_place() {
    let config = |json: &str| serde_json::from_str(json).unwrap();
    let of_one = r#"{"fail_after": 4, "checks": {"db": {"fail_after": 2}}}"#;
    for (own, of_builder, json, expected) in [
        (None, None, "{}", 1),
        (None, None, r#"{"fail_after": 4}"#, 4),
        (None, Some(3), r#"{"fail_after": 4}"#, 3),
        (Some(5), Some(3), r#"{"fail_after": 4}"#, 5),
        (Some(5), Some(3), of_one, 2),
    ] {
        let (db, health) = settable("db");
        let mut db = db.ttl(ms(0));
        if let Some(failures) = own {
            db = db.fail_after(failures);
        }
        // It has the settings of the check that it replaces.
        let (replacement, new_health) = settable("db");
        let mut builder = Management::builder().config(config(json));
        if let Some(failures) = of_builder {
            builder = builder.fail_after(failures);
        }
        let management = builder.check(db).replace(replacement).build().unwrap();
        one(&management, "db").await;
        *health.lock().unwrap() = refused();
        *new_health.lock().unwrap() = refused();
        let mut failures = 1;
        while one(&management, "db").await.status() == Status::Degraded {
            failures += 1;
        }
        assert_eq!(failures, expected, "{own:?}, {of_builder:?}, {json}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_comes_from_the_nearest_place() {
    type Change = fn(Check) -> Check;
    let unchanged: Change = |check| check;
    let own: Change = |check| check.retry(secs(30));
    for (change, of_builder, json, expected) in [
        (unchanged, None, "{}", Some(600)),
        (unchanged, None, r#"{"retry": "60s"}"#, Some(60)),
        (unchanged, Some(secs(100)), r#"{"retry": "60s"}"#, Some(100)),
        (own, Some(secs(100)), r#"{"retry": "60s"}"#, Some(30)),
        (own, None, r#"{"checks": {"db": {"retry": "5m"}}}"#, Some(300)),
        (own, None, r#"{"checks": {"db": {"interval": "30s"}}}"#, Some(30)),
        (own, None, r#"{"checks": {"db": {"ttl": "1s"}}}"#, None),
    ] {
        let (db, health) = settable("db");
        *health.lock().unwrap() = refused();
        let mut builder = Management::builder().config(serde_json::from_str(json).unwrap());
        if let Some(retry) = of_builder {
            builder = builder.retry(retry);
        }
        let (on_demand, _) = settable("on demand");
        let builder = builder.check(change(db.interval(secs(600)))).check(on_demand);
        let management = builder.build().unwrap();
        let mut results = management.subscribe();
        let Some(expected) = expected else {
            sleep(secs(1000)).await;
            assert!(results.is_empty(), "{json}");
            continue;
        };
        results.recv().await.unwrap();
        let start = Instant::now();
        assert_eq!(results.recv().await.unwrap().name(), "db");
        let spread = ms(900 * expected)..=ms(1100 * expected + 1);
        assert!(spread.contains(&start.elapsed()), "{json}: {:?}", start.elapsed());
    }
}
