//! Log lines about version providers and info contributors.

use std::sync::{Arc, Mutex};

use management_core::{Management, Status};
use support::Lines;
use tokio::time::sleep;

use super::{ms, secs};

#[tokio::test(start_paused = true)]
async fn providers_that_fail_are_told_once() {
    let lines = Lines::default();
    let _guard = lines.capture();
    let works = Arc::new(Mutex::new(false));
    let switch = Arc::clone(&works);
    let management = Management::builder()
        .info_contributor("git", move || {
            let works = *switch.lock().unwrap();
            async move { if works { Ok("abc") } else { Err("no repository") } }
        })
        .version_provider(|| async { panic!("no version") as String })
        .build()
        .unwrap();
    lines.take();
    let app = management_axum::router(&management);
    for _ in 0..10 {
        let info = support::get(&app, "/z/info").await;
        assert!(!info.body.contains("git"), "{}", info.body);
        let version = support::get(&app, "/z/version").await;
        assert_eq!((version.status.as_u16(), &*version.body), (503, "unknown"));
        sleep(secs(10)).await;
    }
    let mut said = lines.take();
    said.sort();
    assert_eq!(
        said,
        [
            "WARN info contributor `git` failed: no repository",
            "WARN version provider failed: panicked: no version",
        ]
    );
    *works.lock().unwrap() = true;
    assert!(support::get(&app, "/z/info").await.body.contains(r#""git":"abc""#));
    assert_eq!(lines.take(), ["INFO info contributor `git` works again"]);
}

#[tokio::test(start_paused = true)]
async fn a_late_contributor_is_answered_from_its_last_value() {
    let lines = Lines::default();
    let _guard = lines.capture();
    let management = Management::builder()
        .timeout(secs(10))
        .info_contributor("slow", async || {
            sleep(secs(6)).await;
            Ok::<_, std::fmt::Error>(1)
        })
        .build()
        .unwrap();
    lines.take();
    let app = management_axum::router(&management);
    assert!(!support::get(&app, "/z/info").await.body.contains("slow"));
    sleep(secs(10)).await;
    let start = tokio::time::Instant::now();
    assert!(support::get(&app, "/z/info").await.body.contains(r#""slow":1"#));
    assert_eq!(start.elapsed(), ms(4_500));
    assert_eq!(
        lines.take(),
        [
            "WARN the info contributor `slow` took 6s, longer than the health budget of 4s 500ms: answers use its last result; set `interval` to run it in the background"
        ]
    );
    assert_eq!(management.health().await.status(), Status::Up);
}
