//! Answers in text, as the Kubernetes API server writes them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request};
use management_axum::{Builder, Check, Management, ShowDetails, Status};
use support::send;
use tokio::time::Instant;

use crate::{asked, built, counted, fixed, is, told};

const READINESS: &str = "/z/health/readiness";

fn with(checks: impl IntoIterator<Item = Check>) -> (Management, Router) {
    let builder = Management::builder().without_registered();
    built(checks.into_iter().fold(builder, Builder::check))
}

#[tokio::test]
async fn passing_is_a_word_unless_more_is_wanted() {
    let (_, app) = with([
        fixed("db", Status::Up).readiness(),
        fixed("cache", Status::Degraded).readiness(),
        fixed("queue", Status::Down).readiness().critical(false),
        fixed("alive", Status::Unknown).liveness().critical(false),
    ]);
    is(told(&app, READINESS).await, 200, "ok");
    is(told(&app, &format!("{READINESS}?verbose=false")).await, 200, "ok");
    let lines = "[+]alive UNKNOWN, not critical: ok\n[+]cache DEGRADED: ok\n[+]db ok\n\
                 [+]queue DOWN, not critical: ok\n";
    is(
        told(&app, &format!("{READINESS}?verbose")).await,
        200,
        &format!("{lines}readiness check passed\n"),
    );
    is(told(&app, "/z/health").await, 200, "ok");
    is(told(&app, "/z/health?verbose").await, 200, &format!("{lines}health check passed\n"));
    is(told(&app, "/z/health/startup?verbose").await, 200, "startup check passed\n");
    let ping = "[+]alive UNKNOWN, not critical: ok\nliveness check passed\n";
    is(told(&app, "/z/health/ping?verbose").await, 200, ping);
    is(told(&app, "/z/health/db").await, 200, "ok");
    is(told(&app, "/z/health/db?verbose").await, 200, "[+]db ok\ndb check passed\n");
    let cache = "[+]cache DEGRADED: ok\ncache check passed\n";
    is(told(&app, "/z/health/cache?verbose").await, 200, cache);
}

#[tokio::test]
async fn failing_is_always_told_in_full() {
    let late = Check::new("late", async || std::future::pending::<()>().await);
    let (_, app) = with([
        late.readiness().timeout(Duration::from_millis(10)),
        fixed("plain", Status::Down).readiness(),
        fixed("up", Status::Up).readiness(),
    ]);
    let withheld = "[-]late failed: reason withheld\n[-]plain failed: reason withheld\n[+]up ok\n\
                    readiness check failed\n";
    is(told(&app, READINESS).await, 503, withheld);
    is(told(&app, &format!("{READINESS}?verbose")).await, 503, withheld);
    let late = "[-]late failed: reason withheld\nlate check failed\n";
    is(told(&app, "/z/health/late").await, 503, late);
    is(told(&app, &format!("{READINESS}?exclude=late&exclude=plain")).await, 200, "ok");
}

#[tokio::test]
async fn reasons_are_told_to_whom_details_are_shown() {
    let late = || {
        let late = Check::new("late", async || std::future::pending::<()>().await);
        late.readiness().timeout(Duration::from_millis(10))
    };
    let builder = || Management::builder().without_registered().check(late());
    let shown = builder().show_details(ShowDetails::always());
    let (_, app) = built(shown.check(fixed("plain", Status::Down)));
    let line = "[-]late failed: timed out after 10ms\n";
    is(told(&app, READINESS).await, 503, &format!("{line}readiness check failed\n"));
    is(told(&app, "/z/health/late").await, 503, &format!("{line}late check failed\n"));
    is(
        told(&app, "/z/health").await,
        503,
        &format!("{line}[-]plain failed: DOWN\nhealth check failed\n"),
    );
    let (_, app) =
        built(builder().group("readiness", |group| group.show_details(ShowDetails::always())));
    is(told(&app, READINESS).await, 503, &format!("{line}readiness check failed\n"));
    let withheld = "[-]late failed: reason withheld\nhealth check failed\n";
    is(told(&app, "/z/health").await, 503, withheld);
}

#[tokio::test]
async fn a_line_fails_where_its_status_does() {
    let degraded = || fixed("db", Status::Degraded).liveness();
    let builder = || Management::builder().without_registered().check(degraded());
    let (_, app) = built(builder().status_code(Status::Degraded, 503));
    let failed = "[-]db failed: reason withheld\n";
    is(told(&app, READINESS).await, 503, &format!("{failed}readiness check failed\n"));
    let alive = "[+]db DEGRADED: ok\nliveness check passed\n";
    is(told(&app, "/z/health/liveness?verbose").await, 200, alive);
    let (_, app) = built(
        builder().group("strict", |group| group.include("db").status_code(Status::Degraded, 503)),
    );
    is(told(&app, "/z/health/strict").await, 503, &format!("{failed}strict check failed\n"));
    let ready = "[+]db DEGRADED: ok\nreadiness check passed\n";
    is(told(&app, &format!("{READINESS}?verbose")).await, 200, ready);
}

#[tokio::test]
async fn what_is_excluded_is_told() {
    let (management, app) = with([
        fixed("a", Status::Up).readiness(),
        fixed("db", Status::Down).readiness(),
        fixed("other", Status::Up),
        fixed("z", Status::Down).readiness(),
        fixed("begun", Status::Up).startup(),
    ]);
    let path = |query: &str| format!("{READINESS}?verbose{query}");
    is(
        told(&app, &path("&exclude=z&exclude=db")).await,
        200,
        "[+]a ok\n[+]begun ok\n[+]db excluded: ok\n[+]z excluded: ok\nreadiness check passed\n",
    );
    // A check that readiness is not about, and what is no check at all.
    is(
        told(&app, &path("&exclude=z&exclude=other&exclude=foo&exclude=bar&exclude=db")).await,
        200,
        "[+]a ok\n[+]db excluded: ok\n[+]z excluded: ok\nwarn: some health checks cannot be excluded: no \
         matches for \"bar\",\"foo\",\"other\"\nreadiness check passed\n",
    );
    is(told(&app, "/z/health/startup?exclude=nobody").await, 200, "ok");
    management.availability().refusing("maintenance");
    is(
        told(&app, &path("&exclude=z&exclude=db")).await,
        503,
        "[+]a ok\n[-]availability failed: reason withheld\n[+]db excluded: ok\n[+]z excluded: ok\n\
         readiness check failed\n",
    );
    is(
        told(&app, &path("&exclude=z&exclude=db&exclude=availability")).await,
        200,
        "[+]a ok\n[+]availability excluded: ok\n[+]db excluded: ok\n[+]z excluded: ok\n\
         readiness check passed\n",
    );
}

#[tokio::test]
async fn a_client_adds_no_lines_of_its_own() {
    let (_, app) = with([]);
    let injected = "x%0Areadyz%20check%20failed%22%0D%0A%E2%80%A8";
    is(
        told(&app, &format!("{READINESS}?verbose&exclude={injected}")).await,
        200,
        "warn: some health checks cannot be excluded: no matches for \
         \"x\\nreadyz check failed\\\"\\r\\n\\u2028\"\nreadiness check passed\n",
    );
    let many: String = (0..1000).map(|number| format!("&exclude={number}")).collect();
    let (_, text) = told(&app, &format!("{READINESS}?verbose{many}")).await;
    assert!(text.len() < 1000 && text.contains(" and 990 more\n"), "{text}");
}

#[tokio::test]
async fn a_group_has_its_name_in_the_last_line() {
    let (_, app) = with([fixed("db", Status::Down).groups(["größe 1"])]);
    let lines = "[-]db failed: reason withheld\ngröße 1 check failed\n";
    is(told(&app, "/z/health/gr%C3%B6%C3%9Fe%201").await, 503, lines);
    let excluded = "[+]db excluded: ok\ngröße 1 check passed\n";
    is(told(&app, "/z/health/gr%C3%B6%C3%9Fe%201?exclude=db&verbose").await, 200, excluded);
}

/// A kept answer is never that of another media type.
#[tokio::test]
async fn accept_chooses_the_body_and_never_the_code() {
    let hour = Duration::from_secs(3600);
    let db = |status| fixed("db", status).readiness().ttl(hour).valid_for(2 * hour);
    for (status, code, text) in [
        (Status::Up, 200, "ok"),
        (Status::Down, 503, "[-]db failed: reason withheld\nreadiness check failed\n"),
    ] {
        let (_, app) = with([db(status)]);
        let json = format!(r#"{{"status":"{status}"}}"#);
        for _ in 0..3 {
            for (accept, media_type, body) in [
                ("*/*", "application/json", &*json),
                ("text/plain, text/*, */*", "text/plain; charset=utf-8", text),
                ("application/json", "application/json", &json),
                ("text/html,*/*;q=0.8", "application/json", &json),
                ("text/plain;q=0.2, application/json;q=0.1", "text/plain; charset=utf-8", text),
                ("", "application/json", &json),
            ] {
                let answer = asked(&app, READINESS, &[("accept", accept)]).await;
                assert_eq!((answer.status.as_u16(), &*answer.body), (code, body), "{accept}");
                assert_eq!(answer.header("content-type"), Some(media_type), "{accept}");
                assert_eq!(answer.header("vary"), Some("Accept"), "{accept}");
                assert_eq!(answer.header("cache-control"), Some("no-store"), "{accept}");
                let sniffing = (body == text).then_some("nosniff");
                assert_eq!(answer.header("x-content-type-options"), sniffing, "{accept}");
            }
        }
    }
}

#[tokio::test]
async fn head_and_options_have_the_code_alone() {
    let (_, app) = with([fixed("db", Status::Down).readiness()]);
    for method in [Method::HEAD, Method::OPTIONS] {
        let request = Request::builder().method(&method).uri(READINESS);
        let request = request.header("accept", "text/plain").body(Body::empty()).unwrap();
        let answer = send(&app, request).await;
        assert_eq!((answer.status.as_u16(), &*answer.body), (503, ""), "{method}");
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"), "{method}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_excluding_request_shares_the_runs_of_all_others() {
    let (slow, excluded) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let half = Duration::from_millis(500);
    let (_, app) = with([
        counted("slow", &slow, half).ttl(Duration::ZERO),
        counted("excluded", &excluded, half),
    ]);
    let begun = Instant::now();
    let one = told(&app, "/z/health?verbose&exclude=excluded");
    let other = told(&app, "/z/health?verbose&exclude=excluded&exclude=nobody");
    let (one, other, plain) = tokio::join!(one, other, told(&app, "/z/health?verbose"));
    assert_eq!(begun.elapsed(), half);
    is(one, 200, "[+]excluded excluded: ok\n[+]slow ok\nhealth check passed\n");
    assert_eq!((other.0, plain.0), (200, 200));
    assert_eq!((slow.load(Ordering::SeqCst), excluded.load(Ordering::SeqCst)), (1, 1));
    // By itself, an excluding request runs nothing that it excludes.
    tokio::time::advance(Duration::from_secs(10)).await;
    told(&app, "/z/health?exclude=excluded").await;
    assert_eq!((slow.load(Ordering::SeqCst), excluded.load(Ordering::SeqCst)), (2, 1));
}
