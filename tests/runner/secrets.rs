//! Secrets reach neither the log nor answers.

use management_core::{Check, Health, Management};
use support::Lines;

use super::{secs, with};

#[tokio::test(start_paused = true)]
async fn the_text_of_a_panic_is_for_the_log_alone() {
    let lines = Lines::default();
    let _guard = lines.capture();
    let management = with([Check::new("db", || async { panic!("the\nsecret is {}", 42) as () })]);
    lines.take();
    let report = management.health().await;
    assert_eq!(
        lines.take(),
        [
            "WARN db DOWN: panicked: the secret is 42",
            "WARN health DOWN: db: panicked: the secret is 42"
        ]
    );
    let db = report.components().first().unwrap();
    assert_eq!(db.health().reason(), Some("panicked"));
    assert!(!format!("{report:?}").contains("secret"), "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn credentials_are_not_logged() {
    let lines = Lines::default();
    let _guard = lines.capture();
    let management =
        with([Check::new("db", async || Err::<(), _>("no postgres://user:hunter2@db/x"))]);
    management.health().await;
    let said = lines.take().join("\n");
    assert!(said.contains("no postgres://***@db/x") && !said.contains("hunter2"), "{said}");
}

/// Secrets in reasons, panics, details and errors of providers are masked in the log and in answers. The names that
/// one management adds do not count for another.
#[tokio::test(start_paused = true)]
async fn secrets_reach_neither_the_log_nor_answers() {
    let lines = Lines::default();
    let _guard = lines.capture();
    let said = "refused \u{202e}Server=db;Password=hunter2; and x-tenant-key=t-1, twice";
    let management = |builder: management_core::Builder| {
        builder
            .check(Check::new("said", move || async move { Err::<(), _>(said) }))
            .check(Check::new("panicked", move || async move {
                if true {
                    panic!("{said}");
                }
            }))
            .check(Check::new("detailed", move || async move {
                let health = Health::degraded("slow").detail("X-Tenant-Key", "t-1");
                health.detail("said", said).detail("more", serde_json::json!([{"a": said}]))
            }))
            .info_contributor("own", move || async move { Err::<(), _>(said) })
            .show_details(management_core::ShowDetails::always())
            .build()
            .unwrap()
    };
    let added = management(Management::builder().mask(["x-tenant-key"]));
    let usual = management(Management::builder());
    for (management, said) in [
        (&added, "refused Server=db;Password=***; and x-tenant-key=***, twice"),
        (&usual, "refused Server=db;Password=***; and x-tenant-key=t-1, twice"),
    ] {
        lines.take();
        let health = management.check("said").await.unwrap().health().clone();
        assert_eq!(health.reason(), Some(said));
        management.check("panicked").await.unwrap();
        let app = management_axum::router(management);
        let info = support::get(&app, "/z/info").await;
        let logged = lines.take();
        assert_eq!(
            logged,
            [
                format!("WARN said DOWN: {said}"),
                format!("WARN panicked DOWN: panicked: {said}"),
                format!("WARN info contributor `own` failed: {said}"),
            ]
        );
        assert!(!info.body.contains("hunter2"), "{}", info.body);
        management.availability().refusing("x-tenant-key=t-1, for a while");
        let why = if said.contains("t-1") { "t-1" } else { "***" };
        let line =
            format!("INFO availability ACCEPTING → REFUSING: x-tenant-key={why}, for a while");
        assert_eq!(lines.take(), [line]);
    }
    let details = |management: &Management| {
        let management = management.clone();
        async move {
            let health = management.check("detailed").await.unwrap().health().clone();
            serde_json::Value::Object(health.details().clone())
        }
    };
    let masked = "refused \u{202e}Server=db;Password=***; and x-tenant-key=***, twice";
    assert_eq!(
        details(&added).await,
        serde_json::json!({"X-Tenant-Key": "***", "said": masked, "more": [{"a": masked}]})
    );
    let usual = details(&usual).await;
    assert_eq!(usual["X-Tenant-Key"], "t-1");
    assert_eq!(usual["said"], masked.replace("x-tenant-key=***", "x-tenant-key=t-1"));
}

#[test]
fn a_name_that_finds_nothing_is_a_mistake() {
    for name in ["", " ", "--"] {
        let error = Management::builder().mask([name]).build().unwrap_err();
        assert!(error.is_invalid(), "{error}");
        assert!(error.to_string().contains(&format!("`mask` has the name {name:?}")), "{error}");
    }
}

/// An error may contain anything that a peer has sent.
#[tokio::test]
async fn an_error_of_many_megabytes_is_looked_through_in_no_time() {
    let hostile = "{\"password\":\"".repeat(1_000_000);
    let began = std::time::Instant::now();
    let health = Health::down(&hostile);
    // It takes microseconds; the second allows for a busy machine.
    assert!(began.elapsed() < secs(1), "{:?}", began.elapsed());
    assert!(health.reason().unwrap().len() <= 1024);
}
