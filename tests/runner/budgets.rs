//! What is answered while a run takes longer than whoever asks can wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use management_core::{Check, Management, Status};
use tokio::time::{Instant, advance, sleep};

use super::{Runs, ms, one, secs, with};

#[tokio::test(start_paused = true)]
async fn a_slow_check_fails_the_first_probe_alone() {
    let runs = Runs::default();
    let management = with([runs.taking("db", secs(2)).readiness()]);
    let start = Instant::now();
    let first = management.readiness().await;
    assert_eq!((first.status(), start.elapsed()), (Status::Unknown, ms(800)));
    let db = first.components().first().unwrap();
    assert_eq!(db.health().reason(), Some("no result within 800ms"));
    assert_eq!((db.checked_at(), db.duration(), db.is_stale()), (None, None, false));

    for _ in 0..20 {
        sleep(secs(10)).await;
        let start = Instant::now();
        let next = management.readiness().await;
        assert_eq!((next.status(), start.elapsed()), (Status::Up, ms(800)));
        let db = next.components().first().unwrap();
        assert!(db.is_stale() && db.duration() == Some(secs(2)));
    }
    // Each probe started one run, which the library ended.
    assert_eq!(runs.begun(), 21);
}

#[tokio::test(start_paused = true)]
async fn a_result_is_not_stale_once_the_run_has_ended() {
    let runs = Runs::default();
    let management = with([runs.taking("db", secs(2)).readiness()]);
    management.readiness().await;
    sleep(ms(1_300)).await;
    let start = Instant::now();
    let report = management.readiness().await;
    assert_eq!((report.status(), start.elapsed()), (Status::Up, ms(0)));
    assert!(!report.components().first().unwrap().is_stale());
}

#[tokio::test(start_paused = true)]
async fn health_waits_longer_than_probes() {
    let runs = Runs::default();
    let management = with([runs.taking("db", secs(4)).timeout(secs(60))]);
    let start = Instant::now();
    assert_eq!(management.health().await.status(), Status::Up);
    assert_eq!(start.elapsed(), secs(4));
    let management = with([runs.taking("db", secs(5)).timeout(secs(60))]);
    let start = Instant::now();
    assert_eq!(one(&management, "db").await.status(), Status::Unknown);
    assert_eq!(start.elapsed(), ms(4_500));
}

#[tokio::test(start_paused = true)]
async fn budgets_can_be_set() {
    let runs = Runs::default();
    let management = Management::builder()
        .check(runs.taking("db", secs(2)).readiness())
        .probe_budget(secs(3))
        .health_budget(secs(1))
        .build()
        .unwrap();
    // The run at start is in flight for both.
    assert_eq!(management.health().await.status(), Status::Unknown);
    assert_eq!(management.readiness().await.status(), Status::Up);
}

#[tokio::test(start_paused = true)]
async fn a_result_past_its_validity_is_unknown() {
    // Up at once the first time, and then it takes its time.
    let runs = Arc::new(AtomicUsize::new(0));
    let check = Check::new("db", move || {
        let first = runs.fetch_add(1, Ordering::SeqCst) == 0;
        async move {
            if !first {
                sleep(secs(90)).await;
            }
        }
    });
    let management = with([check.timeout(secs(100)).ttl(secs(1)).valid_for(secs(101)).readiness()]);
    assert_eq!(management.readiness().await.status(), Status::Up);
    advance(secs(50)).await;
    // A newer run is in flight from here on, until 140 s. Each answer takes 800 ms.
    assert_eq!(management.readiness().await.status(), Status::Up);
    advance(secs(49)).await;
    let last = management.readiness().await;
    assert!(last.components().first().unwrap().is_stale());
    assert_eq!(last.status(), Status::Up);
    advance(secs(1)).await;
    assert_eq!(management.readiness().await.status(), Status::Unknown);
    advance(secs(40)).await;
    assert_eq!(management.readiness().await.status(), Status::Up);
}

#[tokio::test(start_paused = true)]
async fn the_slow_do_not_hide_the_quick() {
    let runs = Runs::default();
    let management = with([
        runs.taking("slow", secs(2)).readiness(),
        Check::new("quick", async || false).readiness(),
    ]);
    let report = management.readiness().await;
    let statuses: Vec<_> = report
        .components()
        .iter()
        .map(|component| (component.name(), component.status()))
        .collect();
    assert_eq!(statuses, [("quick", Status::Down), ("slow", Status::Unknown)]);
}
