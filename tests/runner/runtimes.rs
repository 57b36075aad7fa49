//! Runtimes that come late, go early, or are two.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use management_core::{Check, Status};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

use super::{Runs, ms, one, secs, with};

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn paused() -> Runtime {
    Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
}

/// Hangs for as long as it is told to, and tells when it has begun.
fn hanging(hangs: &Arc<AtomicBool>) -> (Check, mpsc::UnboundedReceiver<()>) {
    let (begins, begun) = mpsc::unbounded_channel();
    let hangs = Arc::clone(hangs);
    let check = Check::new("db", move || {
        let hangs = hangs.load(Ordering::SeqCst);
        let _ = begins.send(());
        async move {
            if hangs {
                pending::<()>().await;
            }
        }
    });
    (check, begun)
}

#[test]
fn built_before_a_runtime_background_work_starts_with_the_first_request() {
    let (probed, beating) = (Runs::default(), Runs::default());
    let management = with([
        probed.taking("probed", ms(1)).readiness(),
        beating.taking("beating", ms(1)).interval(secs(10)),
    ]);
    paused().block_on(async {
        tokio::time::sleep(secs(100)).await;
        assert_eq!((probed.begun(), beating.begun()), (0, 0));
        assert_eq!(management.liveness().await.status(), Status::Up);
        tokio::time::sleep(secs(25)).await;
        assert!(probed.begun() == 1 && beating.begun() > 1);
    });
}

#[test]
fn built_without_a_runtime_nothing_runs_and_nothing_hangs() {
    let runs = Runs::default();
    let management = with([runs.taking("db", ms(0)).readiness()]);
    // Any executor will do to see what comes of a question outside of Tokio.
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let mut question = Box::pin(management.readiness());
    let std::task::Poll::Ready(report) = question.as_mut().poll(&mut context) else {
        panic!("nobody would ever wake it");
    };
    assert_eq!(report.status(), Status::Unknown);
    let db = report.components().first().unwrap();
    assert_eq!(db.health().reason(), Some("no Tokio runtime to run on"));
    assert_eq!(runs.begun(), 0);
}

#[test]
fn built_after_a_runtime_it_uses_the_next() {
    let runs = Runs::default();
    let first = paused();
    let management = first.block_on(async { with([runs.taking("db", ms(1)).interval(secs(10))]) });
    drop(first);
    let begun = runs.begun();
    paused().block_on(async {
        assert_eq!(one(&management, "db").await.status(), Status::Up);
        tokio::time::sleep(secs(25)).await;
    });
    assert!(runs.begun() > begun + 1, "the beat goes on: {} and {begun}", runs.begun());
}

#[test]
fn a_runtime_that_goes_away_under_a_run_frees_its_place() {
    let hangs = Arc::new(AtomicBool::new(true));
    let (check, mut begun) = hanging(&hangs);
    let management = with([check.timeout(secs(60))]);
    let first = runtime();
    first.block_on(async {
        let asker = tokio::spawn({
            let management = management.clone();
            async move { one(&management, "db").await }
        });
        begun.recv().await.unwrap();
        asker.abort();
    });
    drop(first);
    hangs.store(false, Ordering::SeqCst);
    runtime().block_on(async {
        assert_eq!(one(&management, "db").await.status(), Status::Up);
    });
}

#[test]
fn a_runtime_that_goes_away_wakes_who_waits_on_another() {
    let hangs = Arc::new(AtomicBool::new(true));
    let (check, mut begun) = hanging(&hangs);
    let management = with([check.timeout(secs(60))]);
    let first = runtime();
    drop(first.spawn({
        let management = management.clone();
        async move { one(&management, "db").await }
    }));
    first.block_on(async { begun.recv().await.unwrap() });
    hangs.store(false, Ordering::SeqCst);
    runtime().block_on(async {
        let mut waiter = Box::pin(one(&management, "db"));
        // It waits for the run of the first runtime, which begins no second one.
        let polled = std::future::poll_fn(|cx| std::task::Poll::Ready(waiter.as_mut().poll(cx)));
        assert!(polled.await.is_pending());
        assert!(begun.try_recv().is_err());
        first.shutdown_background();
        assert_eq!(waiter.await.status(), Status::Up);
    });
}

#[test]
fn two_runtimes_share_one_run() {
    let runs = Runs::default();
    let management = with([runs.taking("db", ms(50)).ttl(secs(60)).valid_for(secs(120))]);
    let other = management.clone();
    let thread =
        std::thread::spawn(move || runtime().block_on(async { one(&other, "db").await.status() }));
    let here = runtime().block_on(async { one(&management, "db").await.status() });
    assert_eq!((here, thread.join().unwrap()), (Status::Up, Status::Up));
    assert_eq!(runs.ended(), 1);
}

#[test]
fn a_runtime_that_shuts_down_while_asked_does_not_spin() {
    // The question is asked from a task that is dropped by the shutdown, when nothing can be spawned.
    struct AsksWhenDropped(management_core::Management, std::sync::mpsc::Sender<Status>);
    impl Drop for AsksWhenDropped {
        fn drop(&mut self) {
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            let mut question = Box::pin(self.0.health());
            // It may give way, though not for ever.
            for _ in 0..10 {
                if let std::task::Poll::Ready(report) = question.as_mut().poll(&mut context) {
                    return self.1.send(report.status()).unwrap();
                }
            }
        }
    }
    let runs = Runs::default();
    let management = with([runs.taking("db", ms(1))]);
    let (sender, receiver) = std::sync::mpsc::channel();
    let first = runtime();
    first.block_on(async {
        let asks = AsksWhenDropped(management.clone(), sender);
        tokio::spawn(async move {
            let _asks = asks;
            pending::<()>().await;
        });
        tokio::task::yield_now().await;
    });
    drop(first);
    assert_eq!(receiver.recv().unwrap(), Status::Unknown);
}
