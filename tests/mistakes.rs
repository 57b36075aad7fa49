//! All mistakes in what attributes register are told at once.

use axum::extract::State;
use management_axum::{
    Check, Management, Status, health_check, info_contributor, readiness_check, version_provider,
};
use std::time::Duration;

#[derive(Clone)]
struct Pool;
#[derive(Clone)]
struct Config;

#[health_check("db")]
async fn database(_: &Pool, _: Config) {}

#[health_check("cache")]
fn cache() {}

#[readiness_check("cache", groups = ["db", "payments"])]
fn cache_again() {}

#[health_check("impatient", valid_for = "3s")]
fn impatient() {}

type Extracted = State<Pool>;

#[health_check("handler")]
fn like_a_handler(_: Extracted, _: &State<Config>, _: &Option<Pool>) {}

#[version_provider]
fn version() -> &'static str {
    "1"
}

#[version_provider]
fn another_version(_: &Pool) -> &'static str {
    "2"
}

#[info_contributor("git")]
fn git() -> u8 {
    1
}

#[info_contributor("git")]
fn git_again() -> u8 {
    2
}

#[test]
fn all_at_once_with_their_places() {
    let line = |needle: &str| {
        let lines: Vec<_> = include_str!("mistakes.rs").lines().collect();
        lines.iter().position(|line| line.contains(needle)).unwrap() + 1
    };
    let error = Management::builder()
        .state(1_u8)
        .state(2_u8)
        .check(Check::new("liveness", async || ()))
        .check(
            Check::new("both", async || ())
                .timeout(Duration::ZERO)
                .ttl(Duration::from_secs(1))
                .interval(Duration::from_secs(1)),
        )
        .check(Check::new("hasty", async || ()).retry(Duration::from_secs(2)).fail_after(0))
        .check(
            Check::new("slow to retry", async || ())
                .interval(Duration::from_secs(30))
                .retry(Duration::from_secs(60)),
        )
        .require(["db", "not_there", "cahce"])
        .without("nobody")
        .replace(Check::new("nobody_either", async || ()))
        .prefix("/a b")
        .status_code(Status::Degraded, 500)
        .probe_budget(Duration::ZERO)
        .build()
        .unwrap_err();
    let text = error.to_string();
    for expected in [
        format!(
            "check `db` at tests/mistakes.rs:{} takes `mistakes::Pool`, but the builder has only `u8`",
            line("check(\"db\")")
        ),
        format!(
            "check `db` at tests/mistakes.rs:{} takes `mistakes::Config`",
            line("check(\"db\")")
        ),
        "two values of type `u8`".into(),
        "two checks are named `cache`".into(),
        format!("tests/mistakes.rs:{}", line("health_check(\"cache\")")),
        format!("tests/mistakes.rs:{}", line("readiness_check(\"cache\"")),
        "the group `db` of check `cache`".into(),
        "check `impatient`".into(),
        "`valid_for` is 3s, less than `ttl` (1s) plus `timeout` (4s)".into(),
        "two version providers".into(),
        "two info contributors have the key `git`".into(),
        "the name \"liveness\" of the check".into(),
        "check `both`".into(),
        "`timeout` is zero".into(),
        "`ttl` and `interval` exclude each other".into(),
        format!(
            "check `hasty` at tests/mistakes.rs:{}: `retry` needs `interval`: set `interval`, or remove `retry`",
            line("Check::new(\"hasty\"")
        ),
        format!(
            "check `hasty` at tests/mistakes.rs:{}: `fail_after` is zero: it must be at least 1",
            line("Check::new(\"hasty\"")
        ),
        "`retry` is 1m, longer than `interval` (30s): make it at most 30s".into(),
        "takes `axum::extract::state::State<mistakes::Pool>`, but the builder has only `u8`: \
         axum's extractors only work in handlers, so take `&mistakes::Pool`"
            .into(),
        "axum's extractors only work in handlers, so take `&mistakes::Config`".into(),
        "takes `core::option::Option<mistakes::Pool>`".into(),
        "`Option<&mistakes::Pool>` is `None` without a `mistakes::Pool`".into(),
        "`.require(\"not_there\")`: unknown check `not_there` (known: `both`, ".into(),
        "`.require(\"cahce\")`: unknown check `cahce`; did you mean `cache`? The linker".into(),
        "use its_crate as _;".into(),
        "`.without(\"nobody\")`".into(),
        "`.replace(\"nobody_either\")`".into(),
        "the prefix \"/a b\"".into(),
        format!(
            "`.status_code(…)` at tests/mistakes.rs:{} answers DEGRADED with 500",
            line("status_code(")
        ),
        "`probe_budget` is zero".into(),
    ] {
        assert!(text.contains(&expected), "{expected:?} is not told in\n{text}");
    }
    assert_eq!(error.mistakes().len(), 25, "{text}");
    assert!(error.is_state() && error.is_name_taken() && error.is_absent() && error.is_invalid());
    // `main` prints errors with `Debug`.
    assert_eq!(format!("{error:?}"), text);
}

#[test]
fn a_default_that_cannot_be_is_told_once() {
    let builder = Management::builder()
        .without_registered()
        .timeout(Duration::ZERO)
        .ttl(Duration::from_secs(1))
        .interval(Duration::from_secs(1))
        .check(Check::new("one", async || ()))
        .check(Check::new("other", async || ()));
    let error = builder.build().unwrap_err();
    assert_eq!(
        error.mistakes().collect::<Vec<_>>(),
        [
            "the builder's defaults: `timeout` is zero: it must be longer",
            "the builder's defaults: `ttl` and `interval` exclude each other: set one of them",
        ]
    );
}

#[test]
fn a_default_of_the_threshold_that_cannot_be_is_told_once() {
    let builder = Management::builder()
        .without_registered()
        .interval(Duration::from_secs(30))
        .retry(Duration::from_secs(90))
        .fail_after(0)
        .check(Check::new("one", async || ()))
        .check(Check::new("other", async || ()));
    let error = builder.build().unwrap_err();
    assert_eq!(
        error.mistakes().collect::<Vec<_>>(),
        [
            "the builder's defaults: `fail_after` is zero: it must be at least 1",
            "the builder's defaults: `retry` is 1m 30s, longer than `interval` (30s): make it at most 30s",
        ]
    );
}

/// Such a default is longer than the interval of one check alone, which is told.
#[test]
fn a_default_retry_must_suit_each_check_with_an_interval() {
    let builder = |own: Duration| {
        Management::builder()
            .without_registered()
            .retry(Duration::from_secs(10))
            .check(Check::new("on demand", async || ()))
            .check(Check::new("at times", async || ()).interval(own))
    };
    assert!(builder(Duration::from_secs(10)).build().is_ok());
    let error = builder(Duration::from_secs(5)).build().unwrap_err();
    let text = error.to_string();
    assert!(text.contains("check `at times` at tests/mistakes.rs:"), "{text}");
    assert!(
        text.ends_with("`retry` is 10s, longer than `interval` (5s): make it at most 5s"),
        "{text}"
    );
}

#[test]
fn one_mistake_is_one_line() {
    let error = Management::builder()
        .without_registered()
        .check(Check::new("", async || ()))
        .build()
        .unwrap_err();
    assert_eq!(error.to_string().lines().count(), 1, "{error}");
    assert_eq!(error.mistakes().len(), 1);
}

#[test]
fn what_is_left_out_makes_no_mistake() {
    let built = Management::builder().without_registered().build();
    assert!(built.is_ok(), "{built:?}");
}
