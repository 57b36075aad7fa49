//! Groups of a service's own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use management_axum::{Check, Management, ShowDetails, Status, health_check};
use support::Lines;
use tokio::time::{Instant, advance};

use crate::{asked, built, config, counted, fixed, is, said};

#[health_check("registered", groups = ["attributes"])]
fn registered() {}

#[tokio::test]
async fn a_group_is_answered_from_its_members() {
    let (management, app) = built(
        Management::builder()
            .check(fixed("db", Status::Up))
            .check(fixed("mail", Status::Down).critical(false).groups(["payments"]))
            .check(fixed("other", Status::Down))
            .group("payments", |group| group.include("db").optional("queue")),
    );
    let payments =
        r#"{"status":"DEGRADED","components":{"db":{"status":"UP"},"mail":{"status":"DOWN"}}}"#;
    is(said(&app, "/z/health/payments").await, 200, payments);
    is(said(&app, "/z/health/payments/").await, 200, payments);
    is(said(&app, "/z/health/%70ayments").await, 200, payments);
    let registered = r#"{"status":"UP","components":{"registered":{"status":"UP"}}}"#;
    is(said(&app, "/z/health/attributes").await, 200, registered);
    let without = r#"{"status":"UP","components":{"db":{"status":"UP"}}}"#;
    is(said(&app, "/z/health/payments?exclude=mail").await, 200, without);
    assert_eq!(said(&app, "/z/health/orders").await.0, 404);

    // The whole lists them last.
    let (code, body) = said(&app, "/z/health").await;
    assert_eq!(code, 503);
    assert!(body.ends_with(r#"}},"groups":["attributes","payments"]}"#), "{body}");
    let report = management.group("payments").await.unwrap();
    assert_eq!((report.status(), report.components().len()), (Status::Degraded, 2));
    assert!(management.group("orders").await.is_none());
    assert_eq!(management.group("readiness").await.unwrap().status(), Status::Up);
    let groups = management.checks().into_iter().map(|check| (check.name, check.groups));
    let expected = [("db", "payments"), ("mail", "payments"), ("registered", "attributes")];
    let expected = expected.map(|(name, group)| (name.to_owned(), vec![group.to_owned()]));
    assert!(groups.filter(|(_, groups)| !groups.is_empty()).eq(expected));
}

#[tokio::test]
async fn without_groups_nothing_is_said_of_them() {
    let (_, app) = built(Management::builder().without_registered());
    is(said(&app, "/z/health").await, 200, r#"{"status":"UP","components":{}}"#);
}

#[tokio::test]
async fn groups_and_members_come_and_go() {
    let (management, app) = built(
        Management::builder()
            .without_registered()
            .group("payments", |group| group.optional("queue").exclude("availability")),
    );
    let empty = r#"{"status":"UP","components":{}}"#;
    is(said(&app, "/z/health/payments").await, 200, empty);
    management.register(fixed("queue", Status::Down)).unwrap();
    let down = r#"{"status":"DOWN","components":{"queue":{"status":"DOWN"}}}"#;
    is(said(&app, "/z/health/payments").await, 503, down);

    // `/health` is kept, and told of a group that comes later all the same.
    let (_, body) = said(&app, "/z/health").await;
    assert!(body.ends_with(r#""groups":["payments"]}"#), "{body}");
    management.register(fixed("mail", Status::Up).groups(["letters", "payments"])).unwrap();
    let (_, body) = said(&app, "/z/health").await;
    assert!(body.ends_with(r#""groups":["letters","payments"]}"#), "{body}");
    let letters = r#"{"status":"UP","components":{"mail":{"status":"UP"}}}"#;
    is(said(&app, "/z/health/letters").await, 200, letters);

    assert!(management.unregister("queue") && management.unregister("mail"));
    // One that was given stays, and its name is taken.
    is(said(&app, "/z/health/payments").await, 200, empty);
    let error = management.register(fixed("payments", Status::Up)).unwrap_err();
    let told = "the check `payments` at tests/groups/groups.rs:";
    assert!(error.is_name_taken() && error.to_string().contains(told), "{error}");
    // One that checks had made has gone with the last of them.
    assert_eq!(said(&app, "/z/health/letters").await.0, 404);
    let (_, body) = said(&app, "/z/health").await;
    assert!(body.ends_with(r#""groups":["payments"]}"#), "{body}");
    management.register(fixed("letters", Status::Up)).unwrap();
}

#[tokio::test]
async fn a_group_that_checks_name_is_there_for_as_long_as_one_does() {
    let by_config = config(r#"{"groups": {"configured": {}}}"#);
    let (management, app) = built(
        Management::builder()
            .config(by_config)
            .check(fixed("one", Status::Up).groups(["shared", "configured", "readiers"]))
            .check(fixed("two", Status::Up).groups(["shared"])),
    );
    assert!(management.unregister("registered") && management.unregister("one"));
    for (group, code) in
        [("attributes", 404), ("readiers", 404), ("shared", 200), ("configured", 200)]
    {
        assert_eq!(said(&app, &format!("/z/health/{group}")).await.0, code, "{group}");
    }
    assert!(management.unregister("two"));
    assert!(management.group("shared").await.is_none());
    let (_, body) = said(&app, "/z/health").await;
    assert!(body.ends_with(r#""components":{},"groups":["configured"]}"#), "{body}");

    // It is as it was when a check names it again.
    management.register(fixed("two", Status::Down).groups(["shared"])).unwrap();
    assert_eq!(said(&app, "/z/health/shared").await.0, 503);
    management.unregister("two");
    for turn in 0..3000 {
        let tenant = format!("tenant-{turn}");
        let check = fixed(&tenant, Status::Up).groups([format!("of-{tenant}")]);
        management.register(check).unwrap();
        assert!(management.unregister(&tenant));
    }
    assert_eq!(said(&app, "/z/health").await.1, body);
}

/// Whoever has registered a check finds its group, whatever others take away meanwhile.
#[test]
fn a_group_is_not_lost_to_another_thread() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _guard = runtime.enter();
    let (management, _) = built(Management::builder().without_registered());
    std::thread::scope(|scope| {
        for name in ["one", "two", "three", "four"] {
            let management = &management;
            let handle = runtime.handle();
            scope.spawn(move || {
                let _guard = handle.enter();
                for _ in 0..1000 {
                    management.register(fixed(name, Status::Up).groups(["shared"])).unwrap();
                    let checks = management.checks();
                    let own = checks.iter().find(|check| check.name == name).unwrap();
                    assert_eq!(own.groups, ["shared"]);
                    assert!(management.unregister(name));
                }
            });
        }
    });
    assert!(runtime.block_on(management.group("shared")).is_none());
}

#[tokio::test]
async fn a_group_has_codes_and_an_audience_of_its_own() {
    let lag = || Check::new("db", async || management_axum::Health::degraded("replica lags"));
    let (_, app) = built(
        Management::builder()
            .without_registered()
            .check(lag())
            .group("strict", |group| group.include("db").status_code(Status::Degraded, 503))
            .group("open", |group| group.include("db").show_details(ShowDetails::always()))
            .group("plain", |group| group.include("db")),
    );
    let hidden = r#"{"status":"DEGRADED","components":{"db":{"status":"DEGRADED"}}}"#;
    is(said(&app, "/z/health/strict").await, 503, hidden);
    is(said(&app, "/z/health/plain").await, 200, hidden);
    let (code, body) = said(&app, "/z/health/open").await;
    assert!(code == 200 && body.contains(r#""error":"replica lags""#), "{body}");
    for path in ["/z/health", "/z/health/db", "/z/health/readiness?verbose"] {
        let (code, body) = said(&app, path).await;
        assert!(code == 200 && !body.contains("lags"), "{path}: {body}");
    }
    let shown = Management::builder().show_details(ShowDetails::always()).check(lag());
    let (_, app) = built(
        shown.group("closed", |group| group.include("db").show_details(ShowDetails::never())),
    );
    is(said(&app, "/z/health/closed").await, 200, hidden);
    assert!(said(&app, "/z/health").await.1.contains("lags"));
}

#[tokio::test]
async fn availability_can_be_a_member() {
    let (management, app) = built(
        Management::builder()
            .without_registered()
            .check(fixed("db", Status::Up))
            .group("with", |group| group.include("db").include("availability"))
            .group("without", |group| group.include("db")),
    );
    let up = r#"{"status":"UP","components":{"db":{"status":"UP"}}}"#;
    is(said(&app, "/z/health/with").await, 200, up);
    management.availability().refusing("maintenance");
    is(said(&app, "/z/health/without").await, 200, up);
    let both = r#"{"status":"OUT_OF_SERVICE","components":{"availability":{"status":"OUT_OF_SERVICE"},"db":{"status":"UP"}}}"#;
    is(said(&app, "/z/health/with").await, 503, both);
    is(said(&app, "/z/health/with?exclude=availability").await, 200, up);
}

#[tokio::test]
async fn a_service_dependency_can_be_a_member_and_is_not_asked_on_behalf_of_others() {
    let runs = Arc::new(AtomicUsize::new(0));
    let (_, app) = built(
        Management::builder()
            .without_registered()
            .service_dependency("users", "127.0.0.1:1")
            .replace(counted("users", &runs, Duration::ZERO))
            .check(fixed("db", Status::Up))
            .group("payments", |group| group.include("db").include("users")),
    );
    let cascade = [("management-cascade", "1")];
    let answer = asked(&app, "/z/health/payments", &cascade).await;
    assert_eq!(answer.body, r#"{"status":"UP","components":{"db":{"status":"UP"}}}"#);
    assert_eq!(runs.load(Ordering::SeqCst), 0);
    let both = r#"{"status":"UP","components":{"db":{"status":"UP"},"users":{"status":"UP"}}}"#;
    is(said(&app, "/z/health/payments").await, 200, both);
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_group_has_the_budget_of_a_probe_and_shares_runs() {
    let runs = Arc::new(AtomicUsize::new(0));
    let second = Duration::from_secs(1);
    let (_, app) = built(
        Management::builder()
            .without_registered()
            .check(counted("slow", &runs, 2 * second).ttl(10 * second).groups(["payments"])),
    );
    let begun = Instant::now();
    let unknown = r#"{"status":"UNKNOWN","components":{"slow":{"status":"UNKNOWN"}}}"#;
    is(said(&app, "/z/health/payments").await, 503, unknown);
    assert_eq!(begun.elapsed(), Duration::from_millis(800));
    // The run has gone on, and all get its result.
    assert_eq!(said(&app, "/z/health").await.0, 200);
    assert_eq!(begun.elapsed(), 2 * second);
    advance(5 * second).await;
    let up = r#"{"status":"UP","components":{"slow":{"status":"UP"}}}"#;
    is(said(&app, "/z/health/payments").await, 200, up);
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_group_that_changes_is_told_once() {
    let lines = Lines::default();
    let (management, app) = built(
        Management::builder().without_registered().check(fixed("db", Status::Up).groups(["g"])),
    );
    said(&app, "/z/health/g").await;
    management.register(fixed("queue", Status::Down).groups(["g"])).unwrap();
    let _guard = lines.capture();
    for _ in 0..2 {
        said(&app, "/z/health/g").await;
        // A part of it is no news of the whole.
        said(&app, "/z/health/g?exclude=queue").await;
    }
    assert_eq!(lines.take(), ["WARN queue DOWN", "WARN group g UP → DOWN: queue: DOWN"]);
}

#[tokio::test]
async fn layers_are_merged_and_a_group_may_be_given_twice() {
    let given = config(
        r#"{"groups": {
            "payments": {"include": ["db"], "exclude": ["mail"], "show_details": "always",
                "status_codes": {"DEGRADED": 503, "UNKNOWN": 200}},
            "configured": {"optional": ["db", "nobody"]}
        }}"#,
    );
    let (_, app) = built(
        Management::builder()
            .without_registered()
            .check(fixed("db", Status::Degraded))
            .check(fixed("mail", Status::Down).groups(["payments"]))
            .check(fixed("queue", Status::Up))
            .group("payments", |group| group.include("mail").show_details(ShowDetails::always()))
            .group("payments", |group| group.include("queue"))
            .group("payments", |group| group.show_details(ShowDetails::never()))
            .config(given),
    );
    let both = r#"{"status":"DEGRADED","components":{"db":{"status":"DEGRADED"},"queue":{"status":"UP"}}}"#;
    is(said(&app, "/z/health/payments").await, 503, both);
    let db = r#"{"status":"DEGRADED","components":{"db":{"status":"DEGRADED"}}}"#;
    is(said(&app, "/z/health/configured").await, 200, db);
}

#[tokio::test]
async fn a_member_that_is_switched_off_is_there_and_left_out() {
    let off = config(
        r#"{"checks": {"db": {"enabled": false}, "mail": {"enabled": false}},
            "groups": {"payments": {"include": ["db"]}, "others": {"exclude": ["db"]}}}"#,
    );
    let builder = Management::builder().without_registered().config(off);
    let (_, app) = built(
        builder
            .check(fixed("db", Status::Down))
            .check(fixed("mail", Status::Down).groups(["letters"])),
    );
    for group in ["payments", "others", "letters"] {
        let empty = r#"{"status":"UP","components":{}}"#;
        is(said(&app, &format!("/z/health/{group}")).await, 200, empty);
    }
}

#[tokio::test]
async fn a_group_without_a_member_is_told() {
    let lines = Lines::default();
    let _guard = lines.capture();
    let db = || fixed("db", Status::Up).groups(["own"]);
    let builder = Management::builder().without_registered().check(db());
    let builder = builder.group("empty", |group| group.optional("nobody"));
    let builder = builder.group("said", |group| group.include("availability"));
    drop(built(builder.group("full", |group| group.optional("db"))));
    let told: Vec<_> = lines.take().into_iter().filter(|line| line.starts_with("WARN")).collect();
    assert_eq!(told, ["WARN group empty has no members, so it is always UP"]);
}
