//! What is counted of each check and each group.

use std::future::{pending, ready};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};

use management_core::{Check, Health, Management, Status};
use tokio::time::{advance, sleep};

use super::{secs, state, text, value, with};

/// A check that returns what the test sets.
fn settable(name: &str, health: Health) -> (Check, Arc<Mutex<Health>>) {
    let health = Arc::new(Mutex::new(health));
    let own = Arc::clone(&health);
    let check = Check::new(name, move || ready(own.lock().unwrap().clone()));
    (check.ttl(secs(0)), health)
}

fn runs(text: &str, check: &str) -> [f64; 4] {
    ["ok", "error", "timeout", "panic"].map(|outcome| {
        let series = format!("health_check_runs_total{{check=\"{check}\",outcome=\"{outcome}\"}}");
        value(text, &series).unwrap_or_else(|| panic!("no {series}"))
    })
}

fn transitions(text: &str, check: &str) -> [f64; 5] {
    ["up", "degraded", "unknown", "out_of_service", "down"].map(|to| {
        value(text, &format!("health_check_transitions_total{{check=\"{check}\",to=\"{to}\"}}"))
            .unwrap()
    })
}

#[tokio::test(start_paused = true)]
async fn runs_by_their_outcome() {
    let (db, health) = settable("db", Health::up());
    let management = with([
        db,
        Check::new("hangs", pending::<()>).timeout(secs(2)),
        Check::new("panics", async || -> () { panic!("boom") }),
        Check::new("never asked", async || ()).interval(secs(60)).groups(["idle"]),
    ]);
    for (status, expected) in [
        (Health::up(), [1.0, 0.0, 0.0, 0.0]),
        (Health::degraded("slow"), [2.0, 0.0, 0.0, 0.0]),
        (Health::unknown("?"), [2.0, 1.0, 0.0, 0.0]),
        (Health::out_of_service("off"), [2.0, 2.0, 0.0, 0.0]),
        (Health::down("gone"), [2.0, 3.0, 0.0, 0.0]),
    ] {
        *health.lock().unwrap() = status;
        management.check("db").await.unwrap();
        assert_eq!(runs(&text(&management).await, "db"), expected);
    }
    management.check("hangs").await.unwrap();
    management.check("panics").await.unwrap();
    let text = text(&management).await;
    assert_eq!(runs(&text, "hangs"), [0.0, 0.0, 1.0, 0.0]);
    assert_eq!(runs(&text, "panics"), [0.0, 0.0, 0.0, 1.0]);
    assert_eq!(value(&text, "health_check_interval_seconds{check=\"never asked\"}"), Some(60.0));
    assert_eq!(value(&text, "health_check_interval_seconds{check=\"db\"}"), None);
}

#[tokio::test(start_paused = true)]
async fn a_startup_check_that_has_succeeded_has_no_interval() {
    let is_ready = Arc::new(AtomicBool::new(false));
    let own = Arc::clone(&is_ready);
    let begun = Check::new("begun", move || ready(own.load(Ordering::SeqCst)));
    let management = with([begun.startup().interval(secs(5))]);
    let interval = "health_check_interval_seconds{check=\"begun\"}";
    management.startup().await;
    assert_eq!(value(&text(&management).await, interval), Some(5.0));
    is_ready.store(true, Ordering::SeqCst);
    sleep(secs(6)).await;
    assert_eq!(value(&text(&management).await, interval), None);
}

#[tokio::test(start_paused = true)]
async fn a_tolerated_failure_is_an_error() {
    let (db, health) = settable("db", Health::up());
    let management = with([db.fail_after(3)]);
    management.health().await;
    *health.lock().unwrap() = Health::down("gone");
    assert_eq!(management.health().await.status(), Status::Degraded);
    let text = text(&management).await;
    assert_eq!(runs(&text, "db"), [1.0, 1.0, 0.0, 0.0]);
    assert_eq!(transitions(&text, "db"), [0.0, 1.0, 0.0, 0.0, 0.0]);
}

#[tokio::test(start_paused = true)]
async fn durations_and_the_time_of_the_last_run() {
    let check = Check::new("db", async || sleep(std::time::Duration::from_millis(250)).await);
    let management = with([check.ttl(secs(0)), Check::new("slow", async || sleep(secs(3)).await)]);
    let before = text(&management).await;
    assert_eq!(value(&before, "health_check_duration_seconds_count{check=\"db\"}"), Some(0.0));
    assert_eq!(value(&before, "health_check_last_run_timestamp_seconds{check=\"db\"}"), None);

    let started = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs_f64();
    for _ in 0..2 {
        management.check("db").await.unwrap();
    }
    management.check("slow").await.unwrap();
    let text = text(&management).await;
    let bucket = |check: &str, le: &str| {
        let series =
            format!("health_check_duration_seconds_bucket{{check=\"{check}\",le=\"{le}\"}}");
        value(&text, &series).unwrap()
    };
    // A bucket contains its upper bound.
    assert_eq!(
        ["0.1", "0.25", "0.5", "10", "+Inf"].map(|le| bucket("db", le)),
        [0., 2., 2., 2., 2.]
    );
    assert_eq!(["0.005", "2.5", "5", "+Inf"].map(|le| bucket("slow", le)), [0., 0., 1., 1.]);
    assert_eq!(value(&text, "health_check_duration_seconds_sum{check=\"db\"}"), Some(0.5));
    assert_eq!(value(&text, "health_check_duration_seconds_count{check=\"db\"}"), Some(2.0));
    let last = value(&text, "health_check_last_run_timestamp_seconds{check=\"db\"}").unwrap();
    assert!((started - 1.0..started + 60.0).contains(&last), "{last} is not near {started}");
}

#[tokio::test]
async fn a_run_that_never_began_is_an_error_without_a_duration() {
    let (release, blocked) = mpsc::channel::<()>();
    let blocked = Mutex::new(blocked);
    let check = Check::blocking("db", move || {
        _ = blocked.lock().unwrap().recv();
    });
    let timeout = std::time::Duration::from_millis(20);
    let management = with([check.timeout(timeout).ttl(secs(0))]);
    // The first run is ended at its deadline, and keeps its thread.
    let first = management.check("db").await.unwrap();
    assert_eq!(first.health().reason(), Some("timed out after 20ms"));
    let after_first = text(&management).await;
    let last = "health_check_last_run_timestamp_seconds{check=\"db\"}";
    assert!(value(&after_first, last).is_some());

    let second = management.check("db").await.unwrap();
    assert!(second.health().reason().unwrap().starts_with("still running since"), "{second}");
    let text = text(&management).await;
    assert_eq!(runs(&text, "db"), [0.0, 1.0, 1.0, 0.0]);
    assert_eq!(value(&text, "health_check_duration_seconds_count{check=\"db\"}"), Some(1.0));
    assert_eq!(value(&text, last), value(&after_first, last));
    drop(release);
}

#[tokio::test(start_paused = true)]
async fn transitions_are_changes_from_one_result_to_the_next() {
    let (db, health) = settable("db", Health::down("gone"));
    let management = with([db]);
    management.health().await;
    assert_eq!(transitions(&text(&management).await, "db"), [0.0; 5], "the first result");
    for status in
        [Health::down("other"), Health::up(), Health::up(), Health::down("gone"), Health::up()]
    {
        *health.lock().unwrap() = status;
        management.health().await;
    }
    assert_eq!(transitions(&text(&management).await, "db"), [2.0, 0.0, 0.0, 0.0, 1.0]);
}

#[tokio::test(start_paused = true)]
async fn a_state_is_what_an_answer_without_a_run_would_show() {
    let runs = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let own = Arc::clone(&runs);
    let db = Check::new("db", move || {
        own.fetch_add(1, Ordering::SeqCst);
        ready(Health::degraded("slow"))
    });
    let management = with([db.valid_for(secs(60))]);
    let db = "health_check_status{check=\"db\"";
    assert_eq!(state(&text(&management).await, db), "unknown");
    management.health().await;
    assert_eq!(state(&text(&management).await, db), "degraded");
    advance(secs(59)).await;
    assert_eq!(state(&text(&management).await, db), "degraded", "an older result that is valid");
    advance(secs(2)).await;
    let text = text(&management).await;
    assert_eq!(state(&text, db), "unknown", "a result that is too old");
    assert_eq!(state(&text, "health_status{group=\"health\""), "unknown");
    assert_eq!(runs.load(Ordering::SeqCst), 1, "no scrape runs a check");
}

#[tokio::test(start_paused = true)]
async fn an_instant_check_is_computed_and_never_runs() {
    let is_full = Arc::new(AtomicBool::new(false));
    let own = Arc::clone(&is_full);
    let management = with([Check::instant("queue", move || !own.load(Ordering::SeqCst))]);
    let queue = "health_check_status{check=\"queue\"";
    let before = text(&management).await;
    assert_eq!(state(&before, queue), "up");
    for series in ["runs_total", "duration_seconds", "last_run_timestamp_seconds"] {
        assert!(!before.contains(&format!("health_check_{series}")), "{before}");
    }
    is_full.store(true, Ordering::SeqCst);
    let text = text(&management).await;
    assert_eq!(state(&text, queue), "down");
    assert_eq!(state(&text, "health_status{group=\"health\""), "down");
    assert_eq!(transitions(&text, "queue"), [0.0, 0.0, 0.0, 0.0, 1.0]);
}

#[tokio::test(start_paused = true)]
async fn groups() {
    let (db, db_health) = settable("db", Health::up());
    let (cache, cache_health) = settable("cache", Health::up());
    let management = with([
        db.readiness().groups(["storage"]),
        cache.critical(false).groups(["storage"]),
        Check::new("alive", async || ()).liveness(),
        Check::new("begun", async || ()).startup(),
    ]);
    let states = async || {
        management.health().await;
        let text = text(&management).await;
        ["health", "liveness", "readiness", "startup", "storage"]
            .map(|group| state(&text, &format!("health_status{{group=\"{group}\"")).to_owned())
    };
    assert_eq!(states().await, ["up"; 5]);
    *cache_health.lock().unwrap() = Health::down("gone");
    assert_eq!(states().await, ["degraded", "up", "up", "up", "degraded"]);
    *db_health.lock().unwrap() = Health::down("gone");
    assert_eq!(states().await, ["down", "up", "down", "up", "down"]);
    *db_health.lock().unwrap() = Health::up();
    management.availability().refusing("full");
    assert_eq!(states().await, ["out_of_service", "up", "out_of_service", "up", "degraded"]);
    management.availability().broken("lost");
    assert_eq!(states().await[..3], ["down", "down", "down"]);
}

#[tokio::test(start_paused = true)]
async fn a_drain() {
    let management = Management::builder().build().unwrap();
    let before = text(&management).await;
    assert_eq!(value(&before, "health_draining"), Some(0.0));
    management.availability().drain("deploy");
    let text = text(&management).await;
    assert_eq!(value(&text, "health_draining"), Some(1.0));
    assert_eq!(state(&text, "health_status{group=\"readiness\""), "out_of_service");
    assert_eq!(state(&text, "health_status{group=\"liveness\""), "up");
}

#[tokio::test(start_paused = true)]
async fn checks_come_and_go() {
    let management = with([]);
    assert!(!text(&management).await.contains("health_check_"));
    management.register(Check::new("late", async || ()).groups(["more"])).unwrap();
    let with_it = text(&management).await;
    assert_eq!(state(&with_it, "health_check_status{check=\"late\""), "unknown");
    assert_eq!(state(&with_it, "health_status{group=\"more\""), "unknown");
    management.unregister("late");
    let without = text(&management).await;
    assert!(!without.contains("late") && !without.contains("more"), "{without}");
}
