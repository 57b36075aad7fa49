//! Startup checks: until their first success, and then never again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use management_core::{Check, Management, Status};
use tokio::time::sleep;

use super::{one, secs, with};

const STATUSES: [Status; 5] =
    [Status::Up, Status::Degraded, Status::Unknown, Status::OutOfService, Status::Down];

/// A startup check whose status the test sets, and the number of its runs.
fn settable() -> (Check, Arc<AtomicU8>, Arc<AtomicUsize>) {
    let status = Arc::new(AtomicU8::new(4));
    let runs = Arc::new(AtomicUsize::new(0));
    let (own_status, own_runs) = (Arc::clone(&status), Arc::clone(&runs));
    let check = Check::new("model", move || {
        own_runs.fetch_add(1, Ordering::SeqCst);
        let status = STATUSES[usize::from(own_status.load(Ordering::SeqCst))];
        async move { status }
    });
    (check.startup(), status, runs)
}

#[tokio::test(start_paused = true)]
async fn each_until_its_own_first_success() {
    for success in [0, 1] {
        let (check, status, runs) = settable();
        let management = with([check, Check::new("other", async || false).startup()]);
        for failure in [2, 3, 4] {
            status.store(failure, Ordering::SeqCst);
            sleep(secs(2)).await;
            let model = management.startup().await;
            let model = model.components().iter().find(|part| part.name() == "model").unwrap();
            assert_eq!(model.status(), STATUSES[usize::from(failure)]);
        }
        status.store(success, Ordering::SeqCst);
        sleep(secs(2)).await;
        let expected = STATUSES[usize::from(success)];
        assert_eq!(one(&management, "model").await.status(), expected);
        let ran = runs.load(Ordering::SeqCst);

        // Whatever becomes of it, and whoever asks, for however long.
        status.store(4, Ordering::SeqCst);
        sleep(secs(1000)).await;
        assert_eq!(management.startup().await.status(), Status::Down, "the other one");
        assert_eq!(one(&management, "model").await.status(), expected);
        let health = management.health().await;
        let model = health.components().iter().find(|part| part.name() == "model").unwrap();
        assert!(model.status() == expected && !model.is_stale());
        assert_eq!(runs.load(Ordering::SeqCst), ran);
    }
}

#[tokio::test(start_paused = true)]
async fn readiness_runs_what_startup_still_lacks() {
    let (check, status, runs) = settable();
    let management = with([check]);
    assert_eq!(management.readiness().await.status(), Status::Down);
    sleep(secs(2)).await;
    // Nobody asks startup: a pod without a startup probe gets ready too.
    status.store(0, Ordering::SeqCst);
    assert_eq!(management.readiness().await.status(), Status::Up);
    let ran = runs.load(Ordering::SeqCst);
    status.store(4, Ordering::SeqCst);
    sleep(secs(100)).await;
    let readiness = management.readiness().await;
    assert_eq!((readiness.status(), readiness.components().len()), (Status::Up, 0));
    assert_eq!(management.liveness().await.components().len(), 0);
    assert_eq!(runs.load(Ordering::SeqCst), ran);
}

#[tokio::test(start_paused = true)]
async fn a_beat_ends_with_the_first_success() {
    let (check, status, runs) = settable();
    let management: Management = with([check.interval(secs(10))]);
    sleep(secs(35)).await;
    assert!(runs.load(Ordering::SeqCst) >= 3);
    status.store(0, Ordering::SeqCst);
    sleep(secs(12)).await;
    let ran = runs.load(Ordering::SeqCst);
    for _ in 0..10 {
        sleep(secs(100)).await;
        assert_eq!(management.startup().await.status(), Status::Up);
    }
    assert_eq!(runs.load(Ordering::SeqCst), ran);
}
