//! Runs that nobody asked for.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use management_core::{Check, Status};
use tokio::time::{Instant, advance, sleep};

use super::{Runs, ms, one, secs, with};

#[tokio::test(start_paused = true)]
async fn an_interval_counts_from_end_to_start_and_spreads() {
    let starts = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = Arc::clone(&starts);
    let check = Check::new("db", move || {
        seen.lock().unwrap().push(Instant::now());
        sleep(secs(3))
    });
    let management = with([check.interval(secs(30))]);
    sleep(secs(3300)).await;
    let starts = starts.lock().unwrap().clone();
    let gaps: Vec<_> = starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!((90..=110).contains(&gaps.len()), "{}", gaps.len());
    // A timer of tokio's is a millisecond late at most.
    assert!(gaps.iter().all(|gap| (ms(30_000)..=ms(36_001)).contains(gap)), "{gaps:?}");
    assert!(gaps.iter().any(|gap| *gap < secs(32)) && gaps.iter().any(|gap| *gap > secs(34)));
    drop(management);
}

#[tokio::test(start_paused = true)]
async fn requests_only_read() {
    let runs = Runs::default();
    let management = with([runs.taking("db", secs(1)).interval(secs(30))]);
    // At once: the first answer waits for the first run, and starts none.
    let start = Instant::now();
    assert_eq!(one(&management, "db").await.status(), Status::Up);
    assert_eq!(start.elapsed(), secs(1));
    for _ in 0..20 {
        sleep(secs(1)).await;
        let start = Instant::now();
        let result = one(&management, "db").await;
        assert_eq!(
            (result.status(), start.elapsed(), result.is_stale()),
            (Status::Up, ms(0), false)
        );
    }
    assert_eq!(runs.begun(), 1);
    // While a newer run is on its way, the last result is read.
    sleep(secs(8)).await;
    while runs.begun() == 1 {
        sleep(ms(100)).await;
    }
    let start = Instant::now();
    assert_eq!(one(&management, "db").await.status(), Status::Up);
    assert_eq!(start.elapsed(), ms(0));
}

/// The shortest validity that is accepted must not make a beat that is late by its spread unknown.
#[tokio::test(start_paused = true)]
async fn a_good_result_outlives_the_spread_of_the_beat() {
    let runs = Runs::default();
    let check = runs.taking("db", secs(1)).interval(secs(600)).timeout(secs(2));
    let management = with([check.valid_for(secs(602)).readiness()]);
    sleep(secs(2)).await;
    for _ in 0..20_000 {
        sleep(secs(5)).await;
        assert_eq!(management.readiness().await.status(), Status::Up);
    }
}

#[tokio::test(start_paused = true)]
async fn a_beat_goes_on_when_runs_hang() {
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&runs);
    let check = Check::new("db", move || {
        let run = counter.fetch_add(1, Ordering::SeqCst);
        async move {
            if run.is_multiple_of(2) {
                pending::<()>().await;
            }
        }
    });
    let management = with([check.interval(secs(30)).timeout(secs(2))]);
    let mut results = management.subscribe();
    for expected in [Status::Down, Status::Up, Status::Down, Status::Up] {
        assert_eq!(results.recv().await.unwrap().status(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn what_probes_read_is_run_once_at_start() {
    let (probed, unprobed) = (Runs::default(), Runs::default());
    let management = with([
        probed.taking("of readiness", secs(2)).readiness(),
        probed.taking("of liveness", secs(2)).liveness(),
        probed.taking("of startup", secs(2)).startup(),
        unprobed.taking("of health", secs(2)),
    ]);
    sleep(secs(3)).await;
    assert_eq!((probed.ended(), unprobed.begun()), (3, 0));
    // So the first probe finds a result, although a newer one takes too long.
    assert_eq!(management.readiness().await.status(), Status::Up);
    assert_eq!(management.liveness().await.status(), Status::Up);
    sleep(secs(60)).await;
    assert_eq!(probed.begun(), 5, "once, and then once a question: none of it is a beat");
}

#[tokio::test(start_paused = true)]
async fn what_is_registered_later_starts_too() {
    let (probed, beating) = (Runs::default(), Runs::default());
    let management = with([]);
    management.register(probed.taking("probed", ms(10)).readiness()).unwrap();
    management.register(beating.taking("beating", ms(10)).interval(secs(10))).unwrap();
    sleep(secs(1)).await;
    assert_eq!((probed.ended(), beating.ended()), (1, 1));
    assert!(management.unregister("beating"));
    sleep(secs(100)).await;
    assert_eq!(beating.begun(), 1, "what is unregistered beats no longer");
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_an_unregistered_check_gets_its_result() {
    let runs = Runs::default();
    let management = with([runs.taking("db", ms(100)).ttl(ms(0))]);
    let waiter = tokio::spawn({
        let management = management.clone();
        async move { one(&management, "db").await }
    });
    sleep(ms(50)).await;
    assert!(management.unregister("db"));
    assert_eq!(waiter.await.unwrap().status(), Status::Up);
    assert_eq!(management.health().await.components().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_last_management_ends_all_of_it() {
    let (beating, running) = (Runs::default(), Runs::default());
    let management = with([
        beating.taking("beating", ms(10)).interval(secs(10)),
        running.taking("running", secs(2)).readiness(),
    ]);
    let clone = management.clone();
    drop(management);
    sleep(secs(1)).await;
    assert_eq!((beating.ended(), running.begun()), (1, 1), "a clone keeps it going");
    drop(clone);
    advance(secs(100)).await;
    sleep(secs(100)).await;
    assert_eq!((beating.begun(), running.ended()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn the_router_keeps_it_going() {
    let beating = Runs::default();
    let management = with([beating.taking("beating", ms(10)).interval(secs(10))]);
    let app: axum::Router = management_axum::router(&management);
    drop(management);
    sleep(secs(25)).await;
    assert!(beating.begun() > 1);
    drop(app);
    let begun = beating.begun();
    sleep(secs(100)).await;
    assert_eq!(beating.begun(), begun);
}

#[tokio::test(start_paused = true)]
async fn a_default_interval_is_for_those_without_a_schedule() {
    let (default, own) = (Runs::default(), Runs::default());
    let management = management_core::Management::builder()
        .interval(secs(10))
        .check(default.taking("default", ms(1)))
        .check(own.taking("own", ms(1)).ttl(secs(1)))
        .build()
        .unwrap();
    sleep(secs(35)).await;
    assert!(default.begun() >= 3 && own.begun() == 0);
    drop(management);
}
