//! What a run that is late was doing.

use std::future::pending;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use management_core::{Check, CurrentRun, Management, Status};

use super::{ms, one, secs, with};

/// The reason of a check that hangs after some steps.
async fn reason(check: Check) -> String {
    let management = with([check.timeout(secs(2))]);
    let name = management.checks()[0].name.clone();
    one(&management, &name).await.health().reason().unwrap_or_default().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_late_run_tells_its_last_step() {
    let steps = Check::new("db", async || {
        CurrentRun::step("connecting");
        tokio::time::sleep(ms(10)).await;
        CurrentRun::step(format!("reading {} rows", 3));
        pending::<()>().await;
    });
    assert_eq!(reason(steps).await, "timed out after 2s while reading 3 rows");
    let before = Check::new("db", || {
        // The closure is part of the run as well.
        CurrentRun::step("connecting");
        pending::<()>()
    });
    assert_eq!(reason(before).await, "timed out after 2s while connecting");
}

#[tokio::test(start_paused = true)]
async fn a_step_is_shown_like_every_text() {
    let secret = Check::new("db", async || {
        CurrentRun::step("connecting\nto postgres://clerk:hunter2@db/shop");
        pending::<()>().await;
    });
    let reason = reason(secret).await;
    assert!(!reason.contains("hunter2") && !reason.contains('\n'), "{reason}");
    let management = Management::builder()
        .mask(["card"])
        .check(Check::new("db", async || {
            CurrentRun::step("asking card=4711");
            pending::<()>().await;
        }))
        .build()
        .unwrap();
    let result = one(&management, "db").await;
    assert_eq!(result.health().reason(), Some("timed out after 4s while asking card=***"));
}

#[tokio::test(start_paused = true)]
async fn steps_of_other_runs_and_tasks_are_not_told() {
    let other = Check::new("other", async || {
        CurrentRun::step("the other thing");
        pending::<()>().await;
    });
    let tasks = Check::new("db", async || {
        let task = tokio::spawn(async {
            CurrentRun::step("what a task does");
            CurrentRun::timeout()
        });
        assert_eq!(task.await.unwrap(), None);
        pending::<()>().await;
    });
    let management = with([other, tasks]);
    let report = management.health().await;
    let reason = |name| report.component(name).unwrap().health().reason();
    assert_eq!(reason("other"), Some("timed out after 4s while the other thing"));
    assert_eq!(reason("db"), Some("timed out after 4s"));
}

#[tokio::test(start_paused = true)]
async fn a_run_knows_its_timeout() {
    assert_eq!(CurrentRun::timeout(), None);
    CurrentRun::step("nobody is told");
    for timeout in [secs(2), ms(250)] {
        let check = Check::new("db", move || async move {
            tokio::task::yield_now().await;
            CurrentRun::timeout() == Some(timeout)
        });
        let management = with([check.timeout(timeout)]);
        assert_eq!(one(&management, "db").await.status(), Status::Up);
    }
    let instant = with([Check::instant("db", || CurrentRun::timeout().is_none())]);
    assert_eq!(one(&instant, "db").await.status(), Status::Up);
}

#[tokio::test]
async fn a_run_on_a_thread_of_its_own_tells_its_step_as_well() {
    let released = Arc::<(Mutex<bool>, Condvar)>::default();
    let own = Arc::clone(&released);
    let check = Check::blocking("disk", move || {
        assert_eq!(CurrentRun::timeout(), Some(ms(50)));
        CurrentRun::step("reading");
        let (released, changed) = &*own;
        let guard = released.lock().unwrap();
        drop(changed.wait_while(guard, |released| !*released).unwrap());
    });
    let management = with([check.timeout(Duration::from_millis(50))]);
    let result = one(&management, "disk").await;
    assert_eq!(result.health().reason(), Some("timed out after 50ms while reading"));
    *released.0.lock().unwrap() = true;
    released.1.notify_all();
}
