//! One run at a time, shared by all who ask, and owned by none of them.

use management_core::{Check, Status};
use tokio::time::{Instant, advance, sleep, timeout};

use super::{Runs, ms, one, secs, with};

#[tokio::test(start_paused = true)]
async fn a_thousand_callers_cost_one_run() {
    let runs = Runs::default();
    let management = with([runs.taking("db", ms(100))]);
    let callers: Vec<_> = (0..1000)
        .map(|_| {
            let management = management.clone();
            tokio::spawn(async move { management.health().await.status() })
        })
        .collect();
    for caller in callers {
        assert_eq!(caller.await.unwrap(), Status::Up);
    }
    assert_eq!((runs.begun(), runs.ended()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_gives_up_does_not_cancel_the_run() {
    let runs = Runs::default();
    let management = with([runs.taking("db", ms(100))]);
    assert!(timeout(ms(10), management.health()).await.is_err());
    sleep(ms(100)).await;
    assert_eq!((runs.begun(), runs.ended()), (1, 1));
    // And what it found is kept.
    assert_eq!(management.health().await.status(), Status::Up);
    assert_eq!(runs.begun(), 1);
}

#[tokio::test(start_paused = true)]
async fn fifty_checks_take_the_time_of_one() {
    let runs = Runs::default();
    let management =
        with((0..50).map(|number| runs.taking(&format!("check {number:02}"), ms(100))));
    let start = Instant::now();
    let report = management.health().await;
    assert_eq!(start.elapsed(), ms(100));
    assert_eq!((report.status(), runs.ended()), (Status::Up, 50));
    let names: Vec<_> =
        report.components().iter().map(|component| component.name().to_owned()).collect();
    assert!(names.is_sorted() && names.len() == 50, "{names:?}");
}

#[tokio::test(start_paused = true)]
async fn a_result_is_served_again_for_its_ttl() {
    let runs = Runs::default();
    let management = with([runs.taking("db", ms(100)).ttl(secs(10))]);
    management.health().await;
    // Counted from the end of the run.
    advance(ms(9_999)).await;
    management.health().await;
    assert_eq!(runs.begun(), 1);
    advance(ms(1)).await;
    management.health().await;
    assert_eq!(runs.begun(), 2);
}

#[tokio::test(start_paused = true)]
async fn with_no_ttl_each_request_wants_a_run_that_ends_after_it_asked() {
    let runs = Runs::default();
    let management = with([runs.taking("db", ms(100)).ttl(ms(0))]);
    one(&management, "db").await;
    one(&management, "db").await;
    assert_eq!(runs.begun(), 2);
    // One in flight counts.
    let first = tokio::spawn({
        let management = management.clone();
        async move { one(&management, "db").await }
    });
    sleep(ms(50)).await;
    let start = Instant::now();
    one(&management, "db").await;
    assert_eq!(start.elapsed(), ms(50));
    first.await.unwrap();
    assert_eq!(runs.begun(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_builder_sets_the_ttl_of_all() {
    let runs = Runs::default();
    let builder =
        management_core::Management::builder().ttl(secs(10)).check(runs.taking("db", ms(1)));
    let management = builder.build().unwrap();
    management.health().await;
    advance(secs(9)).await;
    management.health().await;
    assert_eq!(runs.begun(), 1);
    advance(secs(1)).await;
    management.health().await;
    assert_eq!(runs.begun(), 2);
}

#[tokio::test(start_paused = true)]
async fn every_question_shares_the_runs() {
    let runs = Runs::default();
    let management = with([runs.taking("db", ms(100)).liveness()]);
    tokio::join!(
        management.health(),
        management.liveness(),
        management.readiness(),
        management.check("db"),
    );
    assert_eq!(runs.begun(), 1);
}

#[tokio::test(start_paused = true)]
async fn each_result_is_told_to_subscribers() {
    let management = with([
        Check::new("up", async || ()),
        Check::new("down", async || Err::<(), _>("broken")).readiness(),
    ]);
    let mut results = management.subscribe();
    management.health().await;
    let mut told = Vec::new();
    for _ in 0..2 {
        let component = results.recv().await.unwrap();
        told.push((component.name().to_owned(), component.status(), component.failures()));
    }
    told.sort();
    assert_eq!(told, [("down".into(), Status::Down, 1), ("up".into(), Status::Up, 0)]);
    advance(secs(2)).await;
    management.readiness().await;
    let again = results.recv().await.unwrap();
    assert_eq!((again.name(), again.failures()), ("down", 2));
    assert_eq!(again.health().reason(), Some("broken"));
}
