//! No check that is running holds up the answer of a drain.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use management_core::{Check, Group, Management, Status};
use support::{Lines, get};
use tokio::time::{Instant, sleep, timeout};

const OUT_OF_SERVICE: &str = r#"{"status":"OUT_OF_SERVICE"}"#;
const UNKNOWN: &str = r#"{"status":"OUT_OF_SERVICE","components":{"availability":{"status":"OUT_OF_SERVICE"},"db":{"status":"UNKNOWN"}}}"#;

/// A check whose runs end, but for those from this one on.
fn ending_before(stuck: usize) -> Check {
    let runs = Arc::new(AtomicUsize::new(0));
    Check::new("db", move || {
        let run = runs.fetch_add(1, Ordering::SeqCst);
        async move {
            if run >= stuck {
                std::future::pending::<()>().await;
            }
        }
    })
}

fn built(check: Check) -> (Management, Router) {
    let own = |group: Group| group.include("db").include("availability");
    let builder = Management::builder().group("own", own);
    let management = builder.check(check).build().unwrap();
    let app = management_axum::router(&management);
    (management, app)
}

#[tokio::test(start_paused = true)]
async fn the_answer_is_there_at_once() {
    let lines = Lines::default();
    let (management, app) = built(ending_before(0).readiness());
    let _guard = lines.capture();
    management.availability().drain("SIGTERM");
    lines.take();
    let start = Instant::now();
    for (path, body) in [
        ("/z/health/readiness", OUT_OF_SERVICE),
        ("/z/health/readiness?verbose", UNKNOWN),
        ("/z/health/own?verbose", UNKNOWN),
    ] {
        let answer = get(&app, path).await;
        assert_eq!((answer.status.as_u16(), &*answer.body), (503, body), "{path}");
    }
    let health = get(&app, "/z/health").await;
    assert!(health.body.starts_with(UNKNOWN.strip_suffix('}').unwrap()), "{}", health.body);
    assert_eq!(start.elapsed(), Duration::ZERO);
    let report = management.readiness().await;
    assert_eq!(report.status(), Status::OutOfService);
    let why = "no result before the drain";
    assert_eq!(report.components()[1].health().reason(), Some(why));
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(
        lines.take(),
        ["readiness", "group own", "health"].map(|name| format!(
            "INFO {name} OUT_OF_SERVICE: availability: draining after SIGTERM; db: {why}"
        ))
    );
    // Its run takes longer than a probe waits, which nobody is told of any more.
    sleep(Duration::from_secs(5)).await;
    let said = lines.take();
    assert_eq!(said, ["WARN db DOWN: timed out after 4s"]);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_waits_when_a_drain_begins_is_answered() {
    let lines = Lines::default();
    let _guard = lines.capture();
    let (management, app) = built(ending_before(1).readiness());
    get(&app, "/z/health/readiness").await;
    get(&app, "/z/health").await;
    sleep(Duration::from_secs(2)).await;
    lines.take();
    let start = Instant::now();
    let begin = async {
        sleep(Duration::from_millis(100)).await;
        management.availability().drain("SIGTERM");
    };
    let (ready, health, report, ()) = tokio::join!(
        get(&app, "/z/health/readiness"),
        get(&app, "/z/health"),
        management.readiness(),
        begin
    );
    assert_eq!(start.elapsed(), Duration::from_millis(100));
    assert_eq!((ready.status.as_u16(), &*ready.body), (503, OUT_OF_SERVICE));
    let up = r#""components":{"availability":{"status":"OUT_OF_SERVICE"},"db":{"status":"UP"}}"#;
    assert!(health.status == 503 && health.body.contains(up), "{}", health.body);
    assert_eq!(report.status(), Status::OutOfService);
    assert!(report.components()[1].is_stale(), "{report:?}");
    let said = lines.take();
    assert!(said.iter().all(|line| line.starts_with("INFO ")), "{said:?}");
}

/// Liveness, and whatever is not about whether requests are wanted.
#[tokio::test(start_paused = true)]
async fn what_a_drain_does_not_decide_is_waited_for() {
    let (management, app) = built(ending_before(0).liveness());
    management.availability().drain("SIGTERM");
    for path in [
        "/z/health/liveness",
        "/z/health/readiness?exclude=availability",
        "/z/health/own?exclude=availability",
    ] {
        let start = Instant::now();
        get(&app, path).await;
        assert_eq!(start.elapsed(), Duration::from_millis(800), "{path}");
    }
}

/// Where a program says that a drain is 200 and a failure 503, a check decides the code.
#[tokio::test(start_paused = true)]
async fn a_check_that_decides_the_code_is_waited_for() {
    let slow = Check::new("db", async || {
        sleep(Duration::from_millis(500)).await;
        false
    });
    let open = |group: Group| group.status_code(Status::OutOfService, 200);
    let builder = Management::builder().check(slow.readiness()).group("readiness", open);
    let management = builder.build().unwrap();
    let app = management_axum::router(&management);
    management.availability().drain("SIGTERM");
    let answer = timeout(Duration::from_secs(5), get(&app, "/z/health/readiness")).await.unwrap();
    assert_eq!((answer.status.as_u16(), &*answer.body), (503, r#"{"status":"DOWN"}"#));
}
