//! What cannot be in a group is told by `build()`, with its place.

use management_axum::{Builder, Check, Config, Dependency, Error, Management, Status};

use crate::{config, fixed};

fn refused(set: impl FnOnce(Builder) -> Builder) -> Error {
    let builder = Management::builder().without_registered().check(fixed("db", Status::Up));
    set(builder).build().unwrap_err()
}

#[track_caller]
fn one(error: &Error, told: &str) {
    assert_eq!(error.mistakes().len(), 1, "{error}");
    assert!(error.to_string().contains(told), "{told}\n{error}");
}

#[test]
fn members_that_are_not_there() {
    let error = refused(|builder| builder.group("payments", |group| group.include("queue")));
    assert!(error.is_absent());
    one(&error, "the group \"payments\" at tests/groups/mistakes.rs:");
    one(
        &error,
        "includes the unknown check `queue` (known: `db`). `optional` accepts a check that may not exist",
    );
    let error = refused(|builder| builder.group("payments", |group| group.exclude("queue")));
    assert!(error.is_absent());
    one(&error, "excludes the unknown check `queue` (known: `db`)");
    let given =
        || config(r#"{"groups": {"readiness": {"include": ["queue"], "optional": ["q"]}}}"#);
    let error = refused(|builder| builder.config(given()));
    assert!(error.is_absent());
    one(&error, "the group \"readiness\" of `groups` includes the unknown check `queue`");
    let error = refused(|builder| builder.group("g", |group| group.include("a\n".repeat(1000))));
    assert!(error.to_string().len() < 500 && !error.to_string().contains('\n'), "{error}");
    let built = Management::builder().group("payments", |group| group.optional("queue")).build();
    assert!(built.is_ok(), "{built:?}");
}

#[test]
fn names() {
    for name in ["ping", "events", ".", "..", "availability", "a/b", "", "a\nb"] {
        let error = refused(|builder| builder.group(name, |group| group.include("db")));
        assert!(error.is_invalid(), "{error}");
        one(&error, ": the name ");
        assert!(!error.to_string().contains('\n'), "{error}");
    }
    let error = refused(|builder| builder.group("health", |group| group));
    one(&error, "`/health` has every check: set `show_details` and `status_codes` for all answers");
    let error = refused(|builder| builder.group("db", |group| group));
    assert!(error.is_name_taken());
    one(&error, "the check `db` at tests/groups/mistakes.rs:");
    for name in ["a/b", "liveness", ""] {
        let error = refused(|builder| builder.group("payments", |group| group.optional(name)));
        one(&error, "no check can have the name `");
    }
    for name in ["payments", "größe 1", "a.b", &"x".repeat(128)] {
        let built = Management::builder().group(name, |group| group).build();
        assert!(built.is_ok(), "{built:?}");
    }
}

#[test]
fn a_check_that_comes_later_takes_no_name_of_a_group() {
    let builder = Management::builder().without_registered();
    let management = builder.group("payments", |group| group.optional("queue")).build().unwrap();
    let error = management.register(fixed("payments", Status::Up)).unwrap_err();
    assert!(error.is_name_taken());
    one(&error, "has the name of a group at tests/groups/mistakes.rs:");
}

#[test]
fn codes() {
    let error = refused(|builder| {
        builder.group("payments", |group| group.status_code(Status::Degraded, 429))
    });
    assert!(error.is_invalid());
    one(&error, "`status_codes` answers DEGRADED with 429");
}

#[test]
fn dependencies_are_no_members_of_probes() {
    let with = |probe: &str, dependency: Dependency| {
        let users = Check::new("users", async || ());
        let builder = Management::builder().without_registered();
        let builder = builder.service_dependency("users", dependency).replace(users);
        builder.group(probe, |group| group.optional("users"))
    };
    for (probe, remedy) in [
        ("readiness", "if this service can answer nothing without it, let readiness ask it"),
        ("liveness", "a restart of this service does not repair the other one"),
        ("startup", "services that start together would wait for each other"),
    ] {
        let error = with(probe, "127.0.0.1:1".into()).build().unwrap_err();
        assert!(error.is_invalid());
        one(&error, &format!("the group \"{probe}\" at tests/groups/mistakes.rs:"));
        one(&error, &format!("includes the service dependency `users`: {remedy}"));
        let cascading = with(probe, Dependency::new("127.0.0.1:1").readiness()).build();
        assert_eq!(cascading.is_ok(), probe == "readiness", "{cascading:?}");
    }
    assert!(with("payments", "127.0.0.1:1".into()).build().is_ok());
}

#[test]
fn a_dependency_that_cannot_be_asked_is_told_once() {
    let given: Config = config(
        r#"{"service_dependencies": {"users": "ftp://h"}, "groups": {"g": {"include": ["users"]}}}"#,
    );
    assert_eq!(refused(|builder| builder.config(given)).mistakes().len(), 1);
}
