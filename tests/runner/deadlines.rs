//! What a check that panics, errs, hangs or blocks does to itself, and not to others.

use std::fmt;
use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use management_core::{Check, Health, Management, Status};
use tokio::time::{Instant, advance};

use super::{Runs, ms, one, secs, with};

fn statuses(report: &management_core::HealthReport) -> Vec<(&str, Status, Option<&str>)> {
    report
        .components()
        .iter()
        .map(|component| (component.name(), component.status(), component.health().reason()))
        .collect()
}

#[derive(Debug)]
struct PanicsWhenWritten;

impl std::error::Error for PanicsWhenWritten {}

impl fmt::Display for PanicsWhenWritten {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("in Display")
    }
}

struct PanicsWhenDropped;

impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "in Drop");
    }
}

#[tokio::test(start_paused = true)]
async fn each_fails_for_itself_alone() {
    let management = with([
        Check::new("erring", async || Err::<(), _>("refused")),
        Check::new("hanging", async || pending::<()>().await).timeout(secs(2)),
        Check::new("hanging, then panicking", || async {
            let _held = PanicsWhenDropped;
            pending::<()>().await;
        })
        .timeout(secs(2)),
        Check::new("panicking", || async { panic!("the secret is 42") as () }),
        Check::new("panicking at once", || -> std::future::Ready<()> { panic!("at once") }),
        Check::new("panicking when written", async || Err::<(), _>(PanicsWhenWritten)),
        Check::new("well", async || ()),
    ]);
    let start = Instant::now();
    let report = management.health().await;
    assert_eq!(start.elapsed(), secs(2));
    assert_eq!(
        statuses(&report),
        [
            ("erring", Status::Down, Some("refused")),
            ("hanging", Status::Down, Some("timed out after 2s")),
            ("hanging, then panicking", Status::Down, Some("timed out after 2s")),
            ("panicking", Status::Down, Some("panicked")),
            ("panicking at once", Status::Down, Some("panicked")),
            ("panicking when written", Status::Down, Some("panicked")),
            ("well", Status::Up, None),
        ]
    );
    // And each is run again as if nothing had been.
    advance(secs(2)).await;
    let again = management.health().await;
    assert_eq!(statuses(&again), statuses(&report));
    assert!(
        again.components().iter().all(|part| part.failures() == 2 || part.status() == Status::Up)
    );
}

#[tokio::test(start_paused = true)]
async fn late_is_down_for_all_who_wait_and_what_comes_later_is_dropped() {
    let runs = Runs::default();
    let management = with([runs.taking("db", secs(3)).timeout(secs(2))]);
    let start = Instant::now();
    let (one, other) = tokio::join!(management.health(), management.check("db"));
    assert_eq!(start.elapsed(), secs(2));
    assert_eq!(one.status(), Status::Down);
    assert_eq!(other.unwrap().health().reason(), Some("timed out after 2s"));
    tokio::time::sleep(ms(999)).await;
    assert_eq!(management.health().await.status(), Status::Down);
    tokio::time::sleep(secs(5)).await;
    assert_eq!((runs.begun(), runs.ended()), (1, 0), "the run was ended at its deadline");
}

#[tokio::test(start_paused = true)]
async fn a_deadline_needs_nobody_who_waits() {
    let management = with([Check::new("db", async || pending::<()>().await).readiness()]);
    let mut results = management.subscribe();
    let start = Instant::now();
    let result = results.recv().await.unwrap();
    assert_eq!((result.status(), start.elapsed()), (Status::Down, secs(4)));
    assert_eq!(result.duration(), Some(secs(4)));
}

/// A future that blocks its thread ends before anybody can look at its timer.
#[tokio::test(start_paused = true)]
async fn what_ends_past_its_deadline_is_late() {
    let management = with([Check::new("db", async || advance(secs(3)).await).timeout(secs(2))]);
    let result = one(&management, "db").await;
    assert_eq!(result.health().reason(), Some("timed out after 2s"));
    assert_eq!(result.duration(), Some(secs(2)));
}

#[tokio::test(start_paused = true)]
async fn what_ends_at_its_deadline_is_in_time() {
    let runs = Runs::default();
    let management = with([runs.taking("db", ms(1_999)).timeout(secs(2))]);
    assert_eq!(one(&management, "db").await.status(), Status::Up);
}

/// An async check that blocks its thread is never looked at again by its own task.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadline_is_watched_from_outside() {
    let (release, blocked) = mpsc::channel::<()>();
    let blocked = Arc::new(Mutex::new(blocked));
    let begun = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&begun);
    let check = Check::new("blocking", move || {
        let blocked = Arc::clone(&blocked);
        counter.fetch_add(1, Ordering::SeqCst);
        async move { blocked.lock().unwrap().recv().is_ok() }
    });
    let management =
        with([check.timeout(ms(50)).ttl(ms(0)), Check::new("well", async || ()).ttl(ms(0))]);
    let result = one(&management, "blocking").await;
    assert_eq!(result.health(), &Health::down("timed out after 50ms"));
    // It blocks one thread of the runtime, and gets no other one.
    for _ in 0..10 {
        let result = one(&management, "blocking").await;
        let reason = result.health().reason().unwrap();
        assert!(reason.starts_with("still running since 20"), "{reason}");
    }
    assert_eq!(one(&management, "well").await.status(), Status::Up);
    assert_eq!(begun.load(Ordering::SeqCst), 1);

    // Once it has returned, too late, it is run again.
    release.send(()).unwrap();
    release.send(()).unwrap();
    let again = loop {
        let again = one(&management, "blocking").await;
        if again.status() == Status::Up {
            break again;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!((again.failures(), begun.load(Ordering::SeqCst)), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn sixty_four_that_hang_do_not_delay_liveness() {
    let hanging = (0..64).map(|number| {
        Check::new(format!("hanging {number}"), async || pending::<()>().await).readiness()
    });
    let alive = Check::new("alive", async || ()).liveness();
    let management = with(hanging.chain([alive]));
    let start = Instant::now();
    assert_eq!(management.liveness().await.status(), Status::Up);
    assert_eq!(start.elapsed(), ms(0));
    assert_eq!(management.readiness().await.status(), Status::Unknown);
    assert_eq!(start.elapsed(), ms(800));
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_what_is_not_critical_degrades() {
    for (status, whole) in [
        (Status::Up, Status::Up),
        (Status::Degraded, Status::Degraded),
        (Status::Unknown, Status::Degraded),
        (Status::OutOfService, Status::Degraded),
        (Status::Down, Status::Degraded),
    ] {
        let management = with([
            Check::new("optional", move || std::future::ready(status)).critical(false),
            Check::new("well", async || ()),
        ]);
        let report = management.health().await;
        assert_eq!(report.status(), whole);
        assert_eq!(one(&management, "optional").await.status(), status, "it shows its own");
    }
    // The default of all, and one that says otherwise.
    let management = Management::builder()
        .critical(false)
        .check(Check::new("optional", async || false))
        .build()
        .unwrap();
    assert_eq!(management.health().await.status(), Status::Degraded);
    management.register(Check::new("critical", async || false).critical(true)).unwrap();
    assert_eq!(management.health().await.status(), Status::Down);
}

#[tokio::test]
async fn no_checks_is_up() {
    let management = with([]);
    for report in [
        management.health().await,
        management.liveness().await,
        management.readiness().await,
        management.startup().await,
    ] {
        assert_eq!((report.status(), report.components().len()), (Status::Up, 0));
    }
}
