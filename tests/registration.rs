//! What attributes register is found, with its state, from every kind of package.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum_only as _;
use core_only as _;
use management_axum::{
    Builder, Check, CheckKind, Health, IntoHealth, Management, Status, health_check,
    info_contributor, liveness_check, readiness_check, startup_check,
};
use renamed as _;
use serde::Serialize;
use support::get;
use tokio::time::Instant;

#[derive(Debug)]
struct Pool(AtomicUsize);
struct Cache;
#[derive(Clone)]
struct Config {
    name: &'static str,
}

// Parameters.

#[health_check("none")]
async fn none() {}

#[health_check("stored")]
async fn stored(pool: &Pool) {
    pool.0.fetch_add(1, Ordering::Relaxed);
}

#[health_check("in_an_arc")]
fn in_an_arc(_: &Cache) {}

#[health_check("the_arc_itself")]
fn the_arc_itself(borrowed: &Arc<Cache>, owned: Arc<Cache>) -> bool {
    Arc::ptr_eq(borrowed, &owned)
}

#[health_check("cloned")]
async fn cloned(mut config: Config) -> bool {
    config.name = if config.name == "kept" { "changed" } else { "wrong" };
    config.name == "changed"
}

#[health_check("several")]
async fn several(pool: &Pool, cache: &Cache, config: Config, port: &u16) -> bool {
    let _ = (pool, cache);
    config.name == "kept" && *port == 8080
}

// Outcomes.

#[health_check("outcome_false")]
async fn outcome_false() -> bool {
    false
}

#[health_check("outcome_status")]
async fn outcome_status() -> Status {
    Status::OutOfService
}

#[health_check("outcome_health")]
fn outcome_health() -> Health {
    Health::degraded("slow").detail("lag", 3)
}

#[health_check("outcome_ok_false")]
fn outcome_ok_false() -> Result<bool, fmt::Error> {
    Ok(false)
}

#[health_check("outcome_nested")]
fn outcome_nested() -> Result<Result<Status, String>, fmt::Error> {
    Ok(Err("inner".into()))
}

type Aliased = Result<(), Chain>;

#[health_check("outcome_error")]
async fn outcome_error() -> Aliased {
    Err(Chain)
}

struct Chain;

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if f.alternate() { "outer: inner" } else { "outer" })
    }
}

#[health_check("outcome_boxed")]
async fn outcome_boxed() -> Result<(), Box<dyn std::error::Error>> {
    Err("boxed")?
}

struct Own(Status);

impl IntoHealth for Own {
    fn into_health(self) -> Health {
        Health::new(self.0)
    }
}

#[health_check("outcome_own")]
fn outcome_own() -> Own {
    Own(Status::Unknown)
}

// Arguments, kinds and places.

#[readiness_check]
fn named_by_function() {}

#[liveness_check("alive", critical = false, groups = ["payments", "orders"])]
fn alive() {}

#[startup_check("started", timeout = "1s", interval = "1h", valid_for = "2h")]
async fn started() {}

struct Runs(AtomicUsize);

#[health_check("relapsing", interval = "1h", retry = "1s", fail_after = 3)]
async fn relapsing(runs: Option<&Runs>) -> bool {
    runs.is_none_or(|runs| runs.0.fetch_add(1, Ordering::Relaxed) == 0)
}

mod inner {
    /// Documented, and with other attributes.
    #[management_axum::health_check("in_a_module")]
    #[inline(never)]
    #[must_use]
    pub(super) fn in_a_module() -> bool {
        true
    }

    pub(super) fn function() {
        #[super::health_check("in_a_function")]
        fn in_a_function() {}
    }
}

#[derive(Serialize)]
struct Commit {
    z_first: &'static str,
    a_second: u32,
}

#[info_contributor("commit")]
fn commit() -> Commit {
    Commit { z_first: "kept in the order of the fields", a_second: 2 }
}

#[info_contributor("pool")]
async fn pool_info(pool: &Pool) -> Result<BTreeMap<String, String>, fmt::Error> {
    Ok(BTreeMap::from([("debug".into(), format!("{:?}", pool.0.load(Ordering::Relaxed) < 1000))]))
}

#[info_contributor("failing")]
fn failing() -> Result<Commit, &'static str> {
    Err("nobody knows")
}

#[info_contributor("panicking")]
fn panicking() -> u8 {
    panic!("nobody sees this")
}

#[info_contributor("not JSON")]
fn not_json() -> BTreeMap<(u8, u8), u8> {
    BTreeMap::from([((1, 1), 1)])
}

fn builder() -> Builder {
    Management::builder()
        .name("registration")
        .state(Pool(AtomicUsize::new(0)))
        .state(Arc::new(Cache))
        .state(Config { name: "kept" })
        .state(8080_u16)
        .state(Runs(AtomicUsize::new(0)))
}

#[tokio::test]
async fn every_form_works() {
    inner::function();
    assert!(inner::in_a_module());
    let management = builder().build().unwrap();
    let report = management.health().await;
    let found: Vec<_> = report
        .components()
        .iter()
        .map(|component| (component.name(), component.status(), component.health().reason()))
        .collect();
    assert_eq!(
        found,
        [
            ("alive", Status::Up, None),
            ("axum_only", Status::Up, None),
            ("cloned", Status::Up, None),
            ("core_only_health", Status::Up, None),
            ("core_only_liveness", Status::Up, None),
            ("core_only_readiness", Status::Up, None),
            ("core_only_startup", Status::Up, None),
            ("in_a_function", Status::Up, None),
            ("in_a_module", Status::Up, None),
            ("in_an_arc", Status::Up, None),
            ("named_by_function", Status::Up, None),
            ("none", Status::Up, None),
            ("outcome_boxed", Status::Down, Some("boxed")),
            ("outcome_error", Status::Down, Some("outer: inner")),
            ("outcome_false", Status::Down, None),
            ("outcome_health", Status::Degraded, Some("slow")),
            ("outcome_nested", Status::Down, Some("inner")),
            ("outcome_ok_false", Status::Down, None),
            ("outcome_own", Status::Unknown, None),
            ("outcome_status", Status::OutOfService, None),
            ("relapsing", Status::Up, None),
            ("renamed_axum", Status::Up, None),
            ("renamed_core", Status::Up, None),
            ("renamed_facade", Status::Up, None),
            ("several", Status::Up, None),
            ("started", Status::Up, None),
            ("stored", Status::Up, None),
            ("the_arc_itself", Status::Up, None),
        ]
    );
    assert_eq!(report.status(), Status::Down);
}

#[tokio::test(start_paused = true)]
async fn arguments_reach_the_check() {
    let management = builder().build().unwrap();
    let mut results = management.subscribe();
    let mut told = Vec::new();
    while told.len() < 4 {
        let result = results.recv().await.unwrap();
        if result.name() == "relapsing" {
            told.push((result.status(), Instant::now()));
        }
    }
    let statuses: Vec<_> = told.iter().map(|(status, _)| *status).collect();
    assert_eq!(statuses, [Status::Up, Status::Degraded, Status::Degraded, Status::Down]);
    let gaps: Vec<_> = told.windows(2).map(|pair| pair[1].1 - pair[0].1).collect();
    let [interval, retries @ ..] = &gaps[..] else { panic!("{gaps:?}") };
    assert!(*interval > Duration::from_secs(3000), "{gaps:?}");
    assert!(retries.iter().all(|retry| *retry < Duration::from_secs(2)), "{gaps:?}");
}

#[test]
fn what_is_registered_is_told() {
    let management = builder().build().unwrap();
    let checks = management.checks();
    let find = |name: &str| checks.iter().find(|check| check.name == name).unwrap();

    let alive = find("alive");
    assert_eq!(
        (alive.kind, alive.critical, alive.crate_name),
        (CheckKind::Liveness, false, Some("registration"))
    );
    assert_eq!(alive.groups, ["payments", "orders"]);
    let line = include_str!("registration.rs").lines().nth(alive.line as usize - 1).unwrap();
    assert!(line.starts_with("#[liveness_check(\"alive\""), "{line}");
    assert!(alive.file.ends_with("registration.rs"), "{}", alive.file);

    assert_eq!(find("core_only_startup").crate_name, Some("core_only"));
    assert_eq!(find("core_only_startup").kind, CheckKind::Startup);
    assert_eq!(find("core_only_readiness").kind, CheckKind::Readiness);
    assert_eq!(find("core_only_liveness").kind, CheckKind::Liveness);
    assert_eq!(find("renamed_core").crate_name, Some("renamed"));
    assert_eq!(find("named_by_function").kind, CheckKind::Readiness);
}

#[tokio::test]
async fn info_and_version_come_from_providers() {
    let app = management_axum::router(&builder().build().unwrap());
    let info = get(&app, "/z/info").await;
    assert_eq!(info.status, 200);
    let contributed = r#"},"commit":{"z_first":"kept in the order of the fields","a_second":2},"core_only":"here","pool":{"debug":"true"},"renamed":1}"#;
    assert!(info.body.ends_with(contributed), "{}", info.body);
    let named = r#"{"app":{"name":"registration","version":"of axum_only"},"#;
    assert!(info.body.starts_with(named), "{}", info.body);
    let version = get(&app, "/z/version").await;
    assert_eq!((version.status.as_u16(), &*version.body), (200, "of axum_only"));
}

#[test]
fn a_name_that_is_taken_by_an_attribute_can_be_freed() {
    let again = || Check::new("none", async || ());
    let error = builder().check(again()).build().unwrap_err();
    assert!(error.is_name_taken(), "{error}");
    assert!(error.to_string().contains(r#"`.without("registration/none")`"#), "{error}");
    assert!(builder().without("registration/none").check(again()).build().is_ok());
}

#[tokio::test]
async fn registered_checks_are_left_out() {
    let names = |builder: Builder| -> Vec<String> {
        builder.build().unwrap().checks().into_iter().map(|check| check.name).collect()
    };
    let all = names(builder());

    let without = names(builder().without("none").without("renamed/renamed_core"));
    let gone: Vec<_> = all.iter().filter(|name| !without.contains(name)).collect();
    assert_eq!(gone, ["none", "renamed_core"]);

    let own = Check::new("none", async || ());
    assert_eq!(names(builder().without_registered().check(own)), ["none"]);
    // What nobody registers, nothing answers for.
    let app = management_axum::router(&builder().without_registered().build().unwrap());
    let info = get(&app, "/z/info").await.body;
    assert!(info.starts_with(r#"{"app":{"name":"registration""#) && info.ends_with("}}"), "{info}");
    assert!(!info.contains("axum_only"), "{info}");

    for absent in ["nobody", "core_only/none", "/none", "none/"] {
        let error = builder().without(absent).build().unwrap_err();
        assert!(error.is_absent(), "{absent}: {error}");
        assert!(error.to_string().contains(absent), "{error}");
    }
    assert!(builder().without("registration/none").build().is_ok());
}

#[tokio::test]
async fn a_replacement_takes_over_what_it_leaves_open() {
    let management = builder()
        .replace(Check::new("alive", async || false))
        .replace(Check::new("several", async || Status::Down).readiness().critical(false))
        .build()
        .unwrap();
    let checks = management.checks();
    let find = |name: &str| checks.iter().find(|check| check.name == name).unwrap();
    let alive = find("alive");
    assert_eq!((alive.kind, alive.critical), (CheckKind::Liveness, false));
    assert_eq!(alive.groups, ["payments", "orders"]);
    assert_eq!(alive.crate_name, None);
    assert_eq!(management.liveness().await.status(), Status::Degraded);
    assert_eq!((find("several").kind, find("several").critical), (CheckKind::Readiness, false));

    let error = builder().replace(Check::new("nobody", async || ())).build().unwrap_err();
    assert!(error.is_absent() && error.to_string().contains(r#".replace("nobody")"#), "{error}");
}

#[test]
fn a_replaced_check_needs_no_state() {
    let needy = ["in_an_arc", "the_arc_itself", "cloned", "several", "stored"];
    let builder = needy.iter().fold(Management::builder(), |builder, name| {
        builder.replace(Check::new(*name, async || ()))
    });
    let error = builder.build().unwrap_err();
    // Only the contributor is left that takes any.
    assert_eq!(error.mistakes().len(), 1, "{error}");
    assert!(error.is_state() && error.to_string().contains("info contributor `pool`"), "{error}");
}

#[tokio::test]
async fn the_builder_takes_the_place_of_providers() {
    let management = builder()
        .version_provider(async || Ok::<_, fmt::Error>(Some("from the builder")))
        .info_contributor("commit", async || Ok::<_, fmt::Error>(1))
        .build()
        .unwrap();
    let app = management_axum::router(&management);
    assert_eq!(get(&app, "/z/version").await.body, "from the builder");
    assert!(get(&app, "/z/info").await.body.contains(r#""commit":1,"#));
}

#[tokio::test]
async fn two_managements_do_not_see_each_other() {
    let one = builder().build().unwrap();
    let other = builder().build().unwrap();
    one.register(Check::new("only here", async || ())).unwrap();
    assert!(other.check("only here").await.is_none());
    assert!(one.unregister("none"));
    assert!(other.check("none").await.is_some());
}

#[tokio::test]
async fn checks_come_and_go() {
    let management = builder().without_registered().build().unwrap();
    management.register(Check::new("b", async || ())).unwrap();
    management.register(Check::new("a", async || false).readiness().groups(["g"])).unwrap();
    let names: Vec<_> = management.checks().into_iter().map(|check| check.name).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(management.readiness().await.status(), Status::Down);

    let refused = |check: Check| management.register(check).unwrap_err();
    let error = refused(Check::new("a", async || ()));
    assert!(error.is_name_taken() && error.to_string().contains("registration.rs:"), "{error}");
    assert!(refused(Check::new("g", async || ())).is_name_taken());
    assert!(refused(Check::new("c", async || ()).groups(["b"])).is_name_taken());
    assert!(refused(Check::new("c", async || ()).groups(["c"])).is_name_taken());
    assert!(refused(Check::new("ping", async || ())).is_invalid());
    let both = Check::new("c", async || ()).ttl(Duration::ZERO).interval(Duration::MAX);
    assert!(refused(both).is_invalid());
    let hasty = Check::new("c", async || ()).retry(Duration::from_secs(2));
    let error = refused(hasty);
    assert!(error.is_invalid() && error.to_string().contains("`retry` needs"), "{error}");
    let never = Check::new("c", async || ()).fail_after(0);
    assert!(refused(never).is_invalid());
    assert_eq!(management.checks().len(), 2);

    assert!(management.unregister("a"));
    assert!(!management.unregister("a"));
    assert_eq!(management.readiness().await.status(), Status::Up);
    management.register(Check::new("a", async || ())).unwrap();
    assert!(management.check("a").await.is_some());
    assert!(management.check("nobody").await.is_none());
}

#[tokio::test]
async fn what_is_configured_holds_for_checks_that_come_later_too() {
    let config = r#"{"checks": {"db": {"critical": false}, "search": {"enabled": false}}}"#;
    let db = || Check::new("db", async || false);
    let search = || Check::new("search", async || false);
    let management = Management::builder()
        .without_registered()
        .check(db())
        .check(search())
        .config(serde_json::from_str(config).unwrap())
        .build()
        .unwrap();
    for _ in 0..2 {
        let report = management.health().await;
        assert_eq!((report.status(), report.components().len()), (Status::Degraded, 1));
        assert!(management.unregister("db"));
        management.register(db()).unwrap();
        management.register(search()).unwrap();
    }
}
