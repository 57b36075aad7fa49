//! Checks that each request computes: heartbeats, tasks, and other functions.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use axum::Router;
use management_axum::router;
use management_core::{
    Check, Config, Health, HealthReport, Heartbeat, Management, ShowDetails, Status,
};
use support::{Lines, get};
use tokio::time::sleep;

use super::{ms, one, secs, with};

/// An instant check whose health the test sets, and the number of its calls.
fn settable(name: &str) -> (Check, Arc<Mutex<Health>>, Arc<AtomicUsize>) {
    let (health, calls) = (Arc::new(Mutex::new(Health::up())), Arc::<AtomicUsize>::default());
    let (own_health, own_calls) = (Arc::clone(&health), Arc::clone(&calls));
    let check = Check::instant(name, move || {
        own_calls.fetch_add(1, Ordering::SeqCst);
        own_health.lock().unwrap().clone()
    });
    (check, health, calls)
}

fn reason(report: &HealthReport, name: &str) -> String {
    report.component(name).unwrap().health().reason().unwrap_or_default().to_owned()
}

/// The mistakes of a build.
fn refused(builder: management_core::Builder) -> String {
    builder.build().unwrap_err().to_string()
}

#[test]
fn no_runtime_is_needed() {
    let (check, health, _) = settable("queue");
    let management = with([check.liveness()]);
    let ask = || {
        let asked = pin!(management.liveness());
        match asked.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(report) => report,
            Poll::Pending => panic!("it waits for something"),
        }
    };
    assert_eq!(ask().status(), Status::Up);
    *health.lock().unwrap() = Health::down("the disk is full");
    assert_eq!(ask().to_string(), "DOWN: queue DOWN: the disk is full");
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_is_down_without_progress() {
    let progress = Heartbeat::new(secs(30));
    let management = with([Check::heartbeat("consumer", &progress).liveness()]);
    // The time counts from the beginning.
    sleep(secs(30)).await;
    assert_eq!(management.liveness().await.status(), Status::Up);
    assert!(!one(&management, "consumer").await.health().details().contains_key("lastBeat"));
    sleep(secs(12)).await;
    let liveness = management.liveness().await;
    assert_eq!(liveness.to_string(), "DOWN: consumer DOWN: no progress for 42s");
    assert_eq!(management.readiness().await.status(), Status::Down);

    progress.clone().beat();
    assert_eq!(management.liveness().await.status(), Status::Up);
    sleep(secs(20)).await;
    progress.beat();
    sleep(secs(20)).await;
    let consumer = one(&management, "consumer").await;
    assert_eq!(consumer.status(), Status::Up);
    assert_eq!(consumer.health().details()["beats"], 2);
    let last = consumer.health().details()["lastBeat"].as_str().unwrap();
    let last = humantime::parse_rfc3339(last).unwrap().elapsed().unwrap();
    assert!(secs(19) < last && last < secs(80), "{last:?}");
    sleep(secs(71)).await;
    assert_eq!(reason(&management.liveness().await, "consumer"), "no progress for 1m 31s");
}

#[tokio::test(start_paused = true)]
async fn a_short_limit_is_told_in_milliseconds() {
    let progress = Heartbeat::new(ms(100));
    let management = with([Check::heartbeat("consumer", &progress)]);
    sleep(ms(250)).await;
    assert_eq!(reason(&management.health().await, "consumer"), "no progress for 250ms");
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_that_nobody_holds_has_ended() {
    let progress = Heartbeat::new(secs(30));
    let clone = progress.clone();
    let management = with([Check::heartbeat("consumer", &progress).liveness()]);
    drop(progress);
    assert_eq!(management.liveness().await.status(), Status::Up, "there is a clone");
    // As a consumer that panics drops what it holds.
    let consumer = tokio::spawn(async move {
        clone.beat();
        let _held = clone;
        std::panic::resume_unwind(Box::new(()));
    });
    consumer.await.unwrap_err();
    assert_eq!(management.liveness().await.to_string(), "DOWN: consumer DOWN: ended");
    // However long ago.
    sleep(secs(100)).await;
    assert_eq!(reason(&management.liveness().await, "consumer"), "ended");
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_that_is_finished_is_up() {
    for is_dropped in [false, true] {
        let progress = Heartbeat::new(secs(30));
        let management = with([Check::heartbeat("consumer", &progress).liveness()]);
        progress.beat();
        progress.finish();
        let kept = (!is_dropped).then_some(progress);
        sleep(secs(100)).await;
        assert_eq!(management.liveness().await.status(), Status::Up);
        assert_eq!(one(&management, "consumer").await.health().details()["beats"], 1);
        drop(kept);
    }
}

#[tokio::test]
async fn the_longest_limit_and_the_shortest() {
    let progress = Heartbeat::new(std::time::Duration::MAX);
    let management = with([Check::heartbeat("consumer", &progress)]);
    assert_eq!(management.health().await.status(), Status::Up);
    let zero = Heartbeat::new(secs(0));
    let error = refused(Management::builder().check(Check::heartbeat("consumer", &zero)));
    assert!(
        error.contains("check `consumer` at ") && error.contains("heartbeat is zero"),
        "{error}"
    );
}

#[tokio::test]
async fn a_task_is_down_once_it_has_ended() {
    for ends in ["returns", "panics", "is aborted"] {
        let (end, ended) = tokio::sync::oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            _ = ended.await;
            if ends == "panics" {
                std::panic::resume_unwind(Box::new(()));
            }
        });
        let management = with([Check::task("worker", task.abort_handle()).liveness()]);
        assert_eq!(management.liveness().await.status(), Status::Up, "{ends}");
        match ends {
            "is aborted" => task.abort(),
            _ => drop(end),
        }
        _ = task.await;
        assert_eq!(management.liveness().await.to_string(), "DOWN: worker DOWN: ended", "{ends}");
    }
}

#[tokio::test]
async fn each_request_computes_it_and_others_are_still_cached() {
    let (check, health, calls) = settable("queue");
    let runs = Arc::<AtomicUsize>::default();
    let own = Arc::clone(&runs);
    let db = Check::new("db", move || {
        own.fetch_add(1, Ordering::SeqCst);
        async {}
    });
    let management = Management::builder()
        .show_details(ShowDetails::always())
        .ttl(secs(60))
        .check(check)
        .check(db.readiness())
        .build()
        .unwrap();
    let app: Router = router(&management);
    assert_eq!(get(&app, "/z/health").await.status, 200);
    *health.lock().unwrap() = Health::down("stuck").detail("depth", 7);
    let answer = get(&app, "/z/health").await;
    assert_eq!(answer.status, 503);
    assert!(
        answer.body.contains(r#""depth":7"#) && answer.body.contains("stuck"),
        "{}",
        answer.body
    );
    *health.lock().unwrap() = Health::up();
    assert_eq!(get(&app, "/z/health").await.status, 200);
    let before = calls.load(Ordering::SeqCst);
    for _ in 0..10 {
        assert_eq!(get(&app, "/z/health").await.status, 200);
        assert_eq!(get(&app, "/z/health/queue").await.status, 200);
    }
    assert_eq!(calls.load(Ordering::SeqCst), before + 20);
    // An answer without it asks nothing.
    for _ in 0..10 {
        assert_eq!(get(&app, "/z/health/readiness").await.status, 200);
    }
    assert_eq!((calls.load(Ordering::SeqCst), runs.load(Ordering::SeqCst)), (before + 20, 1));
    // A request computes it once, also if it fails.
    *health.lock().unwrap() = Health::down("stuck");
    for _ in 0..10 {
        assert_eq!(get(&app, "/z/health").await.status, 503);
    }
    assert_eq!((calls.load(Ordering::SeqCst), runs.load(Ordering::SeqCst)), (before + 30, 1));
}

#[tokio::test]
async fn answers_show_the_beats_of_a_heartbeat() {
    let progress = Heartbeat::new(secs(60));
    let management = |details| {
        let builder = Management::builder().show_details(details);
        builder.check(Check::heartbeat("consumer", &progress)).build().unwrap()
    };
    let shown: Router = router(&management(ShowDetails::always()));
    let hidden: Router = router(&management(ShowDetails::never()));
    let about = async || {
        let body = get(&shown, "/z/health").await.body;
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        body["components"]["consumer"]["details"].clone()
    };
    assert_eq!(about().await, serde_json::json!({"beats": 0}));
    for beats in 1..=3 {
        progress.beat();
        let details = about().await;
        assert_eq!(details["beats"], beats);
        assert!(details["lastBeat"].as_str().unwrap().ends_with('Z'), "{details}");
        assert_eq!(get(&hidden, "/z/health/consumer").await.body, r#"{"status":"UP"}"#);
    }
    // A program that adds to the details keeps them.
    let health = one(&management(ShowDetails::never()), "consumer").await.health().clone();
    assert_eq!(health.detail("topic", "orders").details().len(), 3);
}

/// What panics when the payload of a panic is dropped.
struct Grenade;

impl Drop for Grenade {
    fn drop(&mut self) {
        std::panic::panic_any(Grenade);
    }
}

#[tokio::test]
async fn a_panic_that_panics_again_when_it_is_dropped_is_down() {
    let checks = || {
        let instant = Check::instant("instant", || -> bool { std::panic::panic_any(Grenade) });
        let blocking = Check::blocking("blocking", || -> bool { std::panic::panic_any(Grenade) });
        let future = Check::new("future", async || -> bool { std::panic::panic_any(Grenade) });
        [instant, blocking, future]
    };
    let report = with(checks()).health().await;
    assert_eq!(
        report.to_string(),
        "DOWN: blocking DOWN: panicked; future DOWN: panicked; instant DOWN: panicked"
    );
}

#[test]
fn a_late_failure_does_not_undo_the_success_of_a_startup_check() {
    let (enters, entered) = std::sync::mpsc::channel();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (released, is_first) = (Mutex::new(released), AtomicBool::new(true));
    let management = with([Check::instant("model", move || {
        let fails = is_first.swap(false, Ordering::SeqCst);
        if fails {
            enters.send(()).unwrap();
            released.lock().unwrap().recv().unwrap();
        }
        !fails
    })
    .startup()]);
    let ask = || {
        let asked = pin!(management.startup());
        match asked.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(report) => report.status(),
            Poll::Pending => panic!("it waits for something"),
        }
    };
    std::thread::scope(|scope| {
        let first = scope.spawn(ask);
        entered.recv().unwrap();
        assert_eq!(ask(), Status::Up);
        release.send(()).unwrap();
        assert_eq!(first.join().unwrap(), Status::Up);
    });
    assert_eq!(ask(), Status::Up);
}

#[test]
fn a_heartbeat_that_is_finished_and_dropped_has_not_ended() {
    for _ in 0..2_000 {
        let progress = Heartbeat::new(secs(60));
        let management = with([Check::heartbeat("consumer", &progress)]);
        let consumer = std::thread::spawn(move || {
            progress.finish();
            drop(progress);
        });
        while !consumer.is_finished() {
            let asked = pin!(management.health());
            let asked = asked.poll(&mut Context::from_waker(Waker::noop()));
            assert!(matches!(asked, Poll::Ready(report) if report.status() == Status::Up));
        }
    }
}

#[tokio::test]
async fn a_panic_is_down_for_that_check_alone() {
    let panics = Arc::new(AtomicBool::new(true));
    let own = Arc::clone(&panics);
    let check = Check::instant("queue", move || {
        if own.load(Ordering::SeqCst) {
            std::panic::panic_any("password=hunter2");
        }
    });
    let management = with([check, Check::instant("cache", || true)]);
    let lines = Lines::default();
    let _guard = lines.capture();
    let report = management.health().await;
    assert_eq!(report.to_string(), "DOWN: queue DOWN: panicked; cache UP");
    assert_eq!(report.component("queue").unwrap().failures(), 1);
    // The number of requests says nothing about the check.
    assert_eq!(management.health().await.component("queue").unwrap().failures(), 1);
    panics.store(false, Ordering::SeqCst);
    assert_eq!(management.health().await.status(), Status::Up);
    let about: Vec<_> = lines.take().into_iter().filter(|line| line.contains(" queue ")).collect();
    assert_eq!(about, ["WARN queue DOWN: panicked: password=***", "INFO queue DOWN → UP"]);
}

#[tokio::test]
async fn subscribers_get_changes_alone() {
    let (check, health, _) = settable("queue");
    let management = with([check]);
    let mut results = management.subscribe();
    for _ in 0..3 {
        management.health().await;
    }
    *health.lock().unwrap() = Health::degraded("slow");
    for _ in 0..3 {
        management.health().await;
    }
    assert_eq!(results.try_recv().unwrap().status(), Status::Up);
    assert_eq!(results.try_recv().unwrap().to_string(), "queue DEGRADED: slow");
    assert!(results.try_recv().is_err());
}

#[tokio::test]
async fn a_startup_check_settles() {
    let (check, health, calls) = settable("model");
    *health.lock().unwrap() = Health::down("loading");
    let management = with([check.startup()]);
    let app: Router = router(&management);
    for path in ["/z/health/startup", "/z/health/readiness", "/z/health"] {
        assert_eq!(get(&app, path).await.status, 503, "{path}");
    }
    *health.lock().unwrap() = Health::up();
    assert_eq!(get(&app, "/z/health/startup").await.status, 200);
    *health.lock().unwrap() = Health::down("unloaded");
    let settled = calls.load(Ordering::SeqCst);
    for path in ["/z/health/startup", "/z/health/readiness", "/z/health"] {
        assert_eq!(get(&app, path).await.status, 200, "{path}");
    }
    assert_eq!(calls.load(Ordering::SeqCst), settled);
}

#[tokio::test]
async fn settings_that_have_no_effect_are_mistakes() {
    let check = || Check::instant("queue", || true);
    let error = refused(
        Management::builder().check(
            check()
                .timeout(secs(1))
                .ttl(secs(1))
                .interval(secs(1))
                .retry(secs(1))
                .valid_for(secs(1))
                .fail_after(3),
        ),
    );
    for key in ["timeout", "ttl", "interval", "retry", "valid_for", "fail_after"] {
        let expected = format!("`{key}` has no effect on an instant check");
        assert!(error.contains(&expected) && error.contains("instant.rs:"), "{error}");
    }
    let configured: Config =
        serde_json::from_str(r#"{"checks": {"queue": {"ttl": "5s"}}}"#).unwrap();
    let error = refused(Management::builder().check(check()).config(configured));
    assert!(error.contains("check `queue`") && error.contains("`ttl` has no effect"), "{error}");

    // Those of all checks are for the others.
    let management = Management::builder()
        .ttl(secs(60))
        .timeout(ms(1))
        .fail_after(3)
        .check(check().critical(false).groups(["payments"]))
        .build()
        .unwrap();
    assert_eq!(management.checks()[0].groups, ["payments"]);
    let error = management.register(Check::instant("other", || true).ttl(secs(1))).unwrap_err();
    assert!(error.to_string().contains("`ttl` has no effect"), "{error}");
    management.register(Check::instant("other", || false)).unwrap();
    assert_eq!(management.health().await.status(), Status::Down);
    assert!(management.unregister("other"));
    assert_eq!(management.health().await.status(), Status::Up);
}

#[tokio::test(start_paused = true)]
async fn it_replaces_and_is_replaced() {
    let slow = || Check::new("queue", async || sleep(secs(1)).await).readiness().ttl(secs(60));
    let (instant, health, _) = settable("queue");
    let management =
        Management::builder().check(slow()).replace(instant).build().expect("no ttl is inherited");
    assert_eq!(management.readiness().await.status(), Status::Up);
    *health.lock().unwrap() = Health::down("stuck");
    assert_eq!(management.readiness().await.status(), Status::Down);
    let management = Management::builder()
        .check(Check::instant("queue", || false).critical(false))
        .replace(slow())
        .build()
        .unwrap();
    let readiness = management.readiness().await;
    let queue = readiness.component("queue").unwrap();
    assert_eq!(queue.status(), Status::Unknown, "it takes too long, and did not run before");
    assert!(!management.checks()[0].critical);
    // What an instant check cannot have is not passed on either.
    let replaced = Check::instant("queue", || true).ttl(secs(60)).interval(secs(60));
    let management = Management::builder()
        .check(replaced)
        .replace(Check::new("queue", async || ()).ttl(secs(1)))
        .build()
        .unwrap();
    assert_eq!(one(&management, "queue").await.status(), Status::Up, "it runs on demand");
}

#[test]
fn many_threads_compute_at_the_same_time() {
    let inside = Arc::new(std::sync::Barrier::new(4));
    let own = Arc::clone(&inside);
    // Each waits for the others, so that one at a time would hang.
    let management = with([Check::instant("queue", move || _ = own.wait())]);
    let asked = catch_unwind(AssertUnwindSafe(|| {
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let asked = pin!(management.health());
                    assert!(asked.poll(&mut Context::from_waker(Waker::noop())).is_ready());
                });
            }
        });
    }));
    assert!(asked.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_that_stays_away_is_logged_once() {
    let progress = Heartbeat::new(secs(30));
    let management = with([Check::heartbeat("consumer", &progress).liveness()]);
    let lines = Lines::default();
    let _guard = lines.capture();
    management.liveness().await;
    for _ in 0..200 {
        sleep(secs(1)).await;
        management.liveness().await;
    }
    assert_eq!(
        lines.take(),
        [
            "WARN consumer UP → DOWN: no progress for more than 30s",
            "WARN liveness UP → DOWN: consumer: no progress for more than 30s",
        ]
    );
}
