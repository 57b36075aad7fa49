//! What checks answer whose runs cannot begin or go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use management_axum::{Check, Heartbeat, ShowDetails};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::application::{Application, Stall};
use crate::prober::fetch;
use crate::{LINES, alone, wait_for};

/// A check and the number of its runs.
fn counted(name: &str) -> (Check, Arc<AtomicU32>) {
    let runs = Arc::<AtomicU32>::default();
    let own = Arc::clone(&runs);
    let check = Check::new(name, move || {
        own.fetch_add(1, Ordering::SeqCst);
        async {}
    });
    (check, runs)
}

fn of(application: &Application, name: &str) -> (u16, Value) {
    let path = format!("/z/health/{name}");
    let (code, body) = fetch(application.management_address, &path);
    (code, serde_json::from_str(&body).unwrap())
}

#[test]
fn a_run_that_cannot_begin_is_unknown_and_not_late() {
    let _alone = alone();
    let application = Application::start(2, |builder| {
        builder
            .show_details(ShowDetails::always())
            .health_budget(Duration::from_millis(500))
            .timeout(Duration::from_millis(100))
    });
    application.stall(Stall::Sleep);
    let (check, runs) = counted("db");
    application.management.register(check.liveness()).unwrap();
    let (code, db) = of(&application, "db");
    assert_eq!((code, &db["status"]), (503, &json!("UNKNOWN")));
    assert_eq!(db["details"]["error"], "the runtime is stalled");
    // Not knowing does not restart the process.
    assert_eq!(fetch(application.management_address, "/z/health/liveness").0, 200);
    assert_eq!(runs.load(Ordering::SeqCst), 0);
    application.recover();
    wait_for("the run", || (of(&application, "db").0 == 200).then_some(()));
}

#[test]
fn the_last_result_stands_in_while_it_is_valid() {
    let _alone = alone();
    let (db, runs) = counted("db");
    let (beating, beats) = counted("beating");
    let application = Application::start(1, |builder| {
        builder
            .show_details(ShowDetails::always())
            .timeout(Duration::from_millis(300))
            .check(db.ttl(Duration::ZERO).readiness())
            .check(beating.interval(Duration::from_millis(50)))
    });
    assert_eq!(of(&application, "db").0, 200);
    application.stall(Stall::Burn);
    let (before, beats_before) = (runs.load(Ordering::SeqCst), beats.load(Ordering::SeqCst));
    for _ in 0..5 {
        let (code, db) = of(&application, "db");
        assert_eq!((code, &db["status"], &db["stale"]), (200, &json!("UP"), &json!(true)));
    }
    assert_eq!(runs.load(Ordering::SeqCst), before, "a run began");
    application.recover();
    // One run waited for its turn all the time, and it counts from its beginning.
    wait_for("a fresh result", || (of(&application, "db").1["stale"] == false).then_some(()));
    assert!(runs.load(Ordering::SeqCst) > before);
    wait_for("the beat", || (beats.load(Ordering::SeqCst) > beats_before + 1).then_some(()));
    let failures = of(&application, "db").1["failures"].clone();
    assert_eq!(failures, json!(0));
}

#[test]
fn a_run_in_flight_is_not_late_because_the_runtime_is() {
    const TIMEOUT: Duration = Duration::from_millis(500);
    for (workers, how) in [(0, Stall::Sleep), (1, Stall::Burn), (2, Stall::Sleep)] {
        let _alone = alone();
        let (begins, mut begun) = mpsc::unbounded_channel();
        let check = Check::new("db", move || {
            begins.send(()).unwrap();
            tokio::time::sleep(Duration::from_millis(100))
        });
        let application = Application::start(workers, |builder| {
            let check = check.timeout(TIMEOUT).ttl(Duration::ZERO).readiness();
            builder.show_details(ShowDetails::always()).check(check)
        });
        begun.blocking_recv().unwrap();
        wait_for("UP", || (of(&application, "db").0 == 200).then_some(()));
        while begun.try_recv().is_ok() {}
        // The run of this request is in flight when the stall begins.
        let port = application.management_address;
        let request = std::thread::spawn(move || fetch(port, "/z/health/db"));
        begun.blocking_recv().unwrap();
        application.stall(how);
        let stalled = Instant::now();
        assert_eq!(request.join().unwrap().0, 200);
        while stalled.elapsed() < TIMEOUT * 4 {
            let (code, db) = of(&application, "db");
            assert_eq!((code, &db["status"]), (200, &json!("UP")), "{db}");
        }
        application.recover();
        let fresh = wait_for("a fresh result", || {
            let (code, db) = of(&application, "db");
            assert_eq!(code, 200, "{db}");
            (db["stale"] == false).then_some(db)
        });
        assert_eq!(fresh["failures"], 0);
        drop(application);
        let lines = LINES.take();
        assert!(!lines.iter().any(|line| line.contains("timed out")), "{lines:#?}");
    }
}

#[test]
fn a_run_that_hangs_is_ended_once_the_runtime_runs_tasks() {
    let _alone = alone();
    let hangs = Arc::new(AtomicBool::new(true));
    let (begins, mut begun) = mpsc::unbounded_channel();
    let own = Arc::clone(&hangs);
    let check = Check::new("db", move || {
        begins.send(()).unwrap();
        let hangs = own.load(Ordering::SeqCst);
        async move {
            if hangs {
                std::future::pending::<()>().await;
            }
        }
    });
    let application = Application::start(2, |builder| {
        builder
            .show_details(ShowDetails::always())
            .check(check.timeout(Duration::from_millis(500)).readiness())
    });
    begun.blocking_recv().unwrap();
    application.stall(Stall::Sleep);
    let (code, db) = of(&application, "db");
    assert_eq!((code, &db["details"]["error"]), (503, &json!("the runtime is stalled")));
    assert_eq!(db["status"], "UNKNOWN");
    application.recover();
    // It hangs for a reason of its own, too.
    wait_for("its end", || {
        (of(&application, "db").1["details"]["error"] == "timed out after 500ms").then_some(())
    });
    hangs.store(false, Ordering::SeqCst);
    wait_for("UP", || (of(&application, "db").0 == 200).then_some(()));
}

#[test]
fn a_run_that_blocks_its_thread_is_late_itself() {
    let _alone = alone();
    let application = Application::start(0, |builder| {
        let check = Check::new("db", async || std::thread::sleep(Duration::from_millis(300)));
        let check = check.timeout(Duration::from_millis(200)).readiness();
        builder.show_details(ShowDetails::always()).check(check.ttl(Duration::ZERO))
    });
    for _ in 0..3 {
        let (code, db) = of(&application, "db");
        let why = db["details"]["error"].as_str().unwrap();
        let is_late = why == "timed out after 200ms" || why.starts_with("still running since ");
        assert!(code == 503 && is_late, "{db}");
    }
}

#[test]
fn a_known_stall_costs_no_budget() {
    let _alone = alone();
    let application = Application::start(1, |builder| builder.show_details(ShowDetails::always()));
    application.stall(Stall::Sleep);
    wait_for("DEGRADED", || (of(&application, "runtime").1["status"] == "DEGRADED").then_some(()));
    let (check, _) = counted("db");
    application.management.register(check.readiness()).unwrap();
    let asked = Instant::now();
    for _ in 0..5 {
        let (code, db) = of(&application, "db");
        assert_eq!((code, &db["details"]["error"]), (503, &json!("the runtime is stalled")));
    }
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}, 10 s allowed", asked.elapsed());
}

#[test]
fn a_check_that_began_before_the_listener_keeps_its_pace() {
    let _alone = alone();
    let runs = Arc::<AtomicU32>::default();
    let own = Arc::clone(&runs);
    // It needs no worker, so only the time is left that the runtime could keep.
    let disk = Check::blocking("disk", move || _ = own.fetch_add(1, Ordering::SeqCst));
    let disk = disk.interval(Duration::from_millis(500));
    let application = Application::start(1, |builder| builder.check(disk));
    let wait_for_run = |number| {
        wait_for("another run", || (number <= runs.load(Ordering::SeqCst)).then_some(()));
    };
    // Only a task that has run since the listener opened can have moved.
    wait_for_run(2);
    application.stall(Stall::Sleep);
    wait_for_run(runs.load(Ordering::SeqCst) + 2);
}

#[test]
fn a_function_without_async_needs_no_worker() {
    let _alone = alone();
    let runs = Arc::<AtomicU32>::default();
    let own = Arc::clone(&runs);
    let disk = Check::blocking("disk", move || {
        own.fetch_add(1, Ordering::SeqCst);
        // It is inside the context of the application's runtime.
        tokio::runtime::Handle::current().metrics().num_workers() == 2
    });
    let application =
        Application::start(2, |builder| builder.check(disk.ttl(Duration::ZERO).liveness()));
    application.stall(Stall::Sleep);
    let before = runs.load(Ordering::SeqCst);
    assert_eq!(fetch(application.management_address, "/z/health/liveness").0, 200);
    assert!(runs.load(Ordering::SeqCst) > before);
}

#[test]
fn providers_keep_their_last_values() {
    let _alone = alone();
    let budget = Duration::from_millis(500);
    let application = Application::start(1, |builder| {
        builder
            .health_budget(budget)
            .ttl(Duration::ZERO)
            .version_provider(async || Ok::<_, std::fmt::Error>("1.2.3"))
            .info_contributor("git", async || Ok::<_, std::fmt::Error>("main"))
    });
    let ask = |path| fetch(application.management_address, path);
    assert_eq!(ask("/z/version"), (200, "1.2.3".into()));
    let info = ask("/z/info").1;
    assert!(info.contains(r#""git":"main""#), "{info}");
    application.stall(Stall::Sleep);
    assert_eq!(ask("/z/version"), (200, "1.2.3".into()));
    assert_eq!(ask("/z/info").1, info);
}

#[test]
fn heartbeats_and_tasks_are_right_during_a_stall() {
    let _alone = alone();
    let progress = Heartbeat::new(Duration::from_millis(200));
    let application = Application::start(1, |builder| {
        builder
            .show_details(ShowDetails::always())
            .check(Check::heartbeat("consumer", &progress).liveness())
    });
    let worker = application.spawn(std::future::pending());
    application.management.register(Check::task("worker", worker)).unwrap();
    progress.beat();
    assert_eq!(of(&application, "consumer").0, 200);
    application.stall(Stall::Burn);
    let stuck =
        wait_for("DOWN", || Some(of(&application, "consumer")).filter(|(code, _)| *code == 503));
    let why = stuck.1["details"]["error"].as_str().unwrap();
    assert!(why.starts_with("no progress for "), "{why}");
    assert_eq!(fetch(application.management_address, "/z/health/liveness").0, 503);
    progress.beat();
    assert_eq!(of(&application, "consumer").0, 200);
    assert_eq!(of(&application, "worker").0, 200);
    progress.finish();
}

#[test]
fn a_run_that_hangs_does_not_delay_answers() {
    const TIMEOUT: Duration = Duration::from_secs(3);
    let _alone = alone();
    let (begins, mut begun) = mpsc::unbounded_channel();
    let check = Check::new("db", move || {
        begins.send(()).unwrap();
        std::future::pending::<()>()
    });
    let application = Application::start(1, |builder| {
        let check = check.timeout(TIMEOUT).ttl(Duration::ZERO).readiness();
        builder.probe_budget(support::PATIENCE).check(check)
    });
    begun.blocking_recv().unwrap();
    application.stall(Stall::Sleep);
    let ask = || fetch(application.management_address, "/z/health/readiness").0;
    assert_eq!(ask(), 503, "the runtime is stalled");
    let asked = Instant::now();
    assert_eq!(ask(), 503);
    assert!(asked.elapsed() < TIMEOUT - Duration::from_secs(1), "{:?}", asked.elapsed());
}

/// A stall that is too short to be seen by a watchdog that looks once a second.
#[test]
fn a_run_is_not_late_because_of_a_short_stall() {
    let _alone = alone();
    let (begins, mut begun) = mpsc::unbounded_channel();
    let check = Check::new("db", move || {
        begins.send(()).unwrap();
        async {
            for _ in 0..5 {
                tokio::time::sleep(Duration::from_millis(45)).await;
            }
        }
    });
    let check = check.timeout(Duration::from_millis(400)).interval(Duration::from_millis(300));
    let application = Application::start(1, |builder| {
        builder.show_details(ShowDetails::always()).check(check.liveness())
    });
    wait_for("UP", || (of(&application, "db").0 == 200).then_some(()));
    for _ in 0..4 {
        while begun.try_recv().is_ok() {}
        begun.blocking_recv().unwrap();
        // In the middle of the run.
        std::thread::sleep(Duration::from_millis(90));
        application.stall(Stall::Sleep);
        std::thread::sleep(Duration::from_millis(700));
        application.recover();
        let ended = Instant::now();
        while ended.elapsed() < Duration::from_millis(400) {
            let (code, db) = of(&application, "db");
            assert_eq!(code, 200, "{db}");
        }
    }
}

/// The run has begun with a timer of its own.
#[test]
fn a_run_that_began_before_the_listener_is_not_late_either() {
    let _alone = alone();
    let check = Check::new("db", async || {
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    let application = Application::start(1, |builder| {
        let check = check.timeout(Duration::from_millis(900)).ttl(Duration::from_secs(60));
        builder.show_details(ShowDetails::always()).check(check.readiness())
    });
    application.stall(Stall::Sleep);
    std::thread::sleep(Duration::from_secs(2));
    application.recover();
    let db = wait_for("a result", || {
        Some(of(&application, "db").1).filter(|db| db["status"] != "UNKNOWN")
    });
    assert_eq!(db["status"], "UP", "{db}");
}

#[test]
fn a_failure_is_repeated_soon_after_a_stall() {
    let _alone = alone();
    let fails = Arc::new(AtomicBool::new(false));
    let (begins, mut begun) = mpsc::unbounded_channel();
    let own = Arc::clone(&fails);
    let check = Check::new("db", move || {
        begins.send(()).unwrap();
        let fails = own.load(Ordering::SeqCst);
        async move {
            tokio::time::sleep(Duration::from_millis(100)).await;
            !fails
        }
    });
    let check = check.timeout(Duration::from_millis(300)).interval(Duration::from_secs(2));
    let check = check.retry(Duration::from_millis(100)).readiness();
    let application = Application::start(1, |builder| builder.check(check));
    begun.blocking_recv().unwrap();
    wait_for("UP", || (of(&application, "db").0 == 200).then_some(()));
    fails.store(true, Ordering::SeqCst);
    begun.blocking_recv().unwrap();
    // Longer than a beat waits for the end of a run.
    application.stall(Stall::Sleep);
    std::thread::sleep(Duration::from_millis(1_600));
    application.recover();
    let recovered = Instant::now();
    begun.blocking_recv().unwrap();
    let took = recovered.elapsed();
    assert!(took < Duration::from_secs(1), "the next run began after {took:?}, and not after 2 s");
}
