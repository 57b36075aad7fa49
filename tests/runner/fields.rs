//! The fields of lines, and the spans of runs, as a log in JSON and a tracer receive them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use management_core::{Check, Health, Management, Status};
use serde_json::{Value, json};
use tokio::task::yield_now;
use tokio::time::sleep;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

use super::{ms, one, secs, settable, with};

type Fields = BTreeMap<String, Value>;

/// The fields of lines and spans with the target `management`.
#[derive(Clone, Default)]
struct Recorded {
    lines: Arc<Mutex<Vec<Fields>>>,
    /// Those that have ended.
    spans: Arc<Mutex<Vec<Fields>>>,
    created: Arc<Mutex<usize>>,
}

impl Recorded {
    fn capture(&self) -> DefaultGuard {
        tracing::subscriber::set_default(tracing_subscriber::registry().with(self.clone()))
    }

    fn lines(&self) -> Vec<Fields> {
        std::mem::take(&mut self.lines.lock().unwrap())
    }

    /// The line with this message.
    fn line(&self, message: &str) -> Value {
        let lines = self.lines();
        let mut found = lines.iter().filter(|line| line["message"] == message);
        let line = found.next().unwrap_or_else(|| panic!("no {message:?} in {lines:#?}")).clone();
        assert!(found.next().is_none(), "{message:?} twice");
        json!(line)
    }
}

struct Visitor<'a>(&'a mut Fields);

impl Visit for Visitor<'_> {
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().into(), value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().into(), value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().into(), format!("{value:?}").into());
    }
}

fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.target() == "management"
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Recorded {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if is_ours(event.metadata()) {
            let mut fields = Fields::new();
            event.record(&mut Visitor(&mut fields));
            self.lines.lock().unwrap().push(fields);
        }
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if is_ours(attributes.metadata()) {
            let span = context.span(id).unwrap();
            assert_eq!((span.name(), *span.metadata().level()), ("management.check", Level::DEBUG));
            assert!(span.parent().is_none(), "a run belongs to no request");
            let mut fields = Fields::new();
            attributes.record(&mut Visitor(&mut fields));
            span.extensions_mut().insert(fields);
            *self.created.lock().unwrap() += 1;
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let span = context.span(id).unwrap();
        if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
            values.record(&mut Visitor(fields));
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let span = context.span(&id).unwrap();
        if let Some(fields) = span.extensions_mut().remove::<Fields>() {
            self.spans.lock().unwrap().push(fields);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn lines_about_checks_and_answers_have_fields() {
    let (db, health) = settable("db");
    let slow = Check::new("cache", async || sleep(ms(7)).await).critical(false);
    let management = with([db.readiness().ttl(ms(0)), slow.ttl(ms(0))]);
    let recorded = Recorded::default();
    let _guard = recorded.capture();
    management.health().await;
    *health.lock().unwrap() = Health::down("connection refused").detail("password", "x");
    management.health().await;
    let lines = recorded.lines();
    let line = |message: &str| {
        let found = lines.iter().find(|line| line["message"] == message);
        json!(found.unwrap_or_else(|| panic!("no {message:?} in {lines:#?}")))
    };
    assert_eq!(
        line("cache UP"),
        json!({
            "message": "cache UP", "check": "cache", "kind": "health", "status": "UP",
            "duration_ms": 7, "failures": 0,
        })
    );
    assert_eq!(
        line("db UP → DOWN: connection refused"),
        json!({
            "message": "db UP → DOWN: connection refused", "check": "db", "kind": "readiness",
            "status": "DOWN", "previous": "UP", "reason": "connection refused", "duration_ms": 0,
            "failures": 1,
        })
    );
    assert_eq!(
        line("health UP → DOWN: db: connection refused"),
        json!({
            "message": "health UP → DOWN: db: connection refused", "group": "health",
            "status": "DOWN", "previous": "UP", "causes": "db: connection refused",
        })
    );
    management.readiness().await;
    assert_eq!(
        recorded.line("readiness DOWN: db: connection refused"),
        json!({
            "message": "readiness DOWN: db: connection refused", "probe": "readiness",
            "status": "DOWN", "causes": "db: connection refused",
        })
    );
}

#[tokio::test(start_paused = true)]
async fn a_tolerated_failure_has_the_fields_of_a_failure() {
    let (db, health) = settable("db");
    let management = with([db.ttl(ms(0)).fail_after(2)]);
    let recorded = Recorded::default();
    one(&management, "db").await;
    let _guard = recorded.capture();
    *health.lock().unwrap() = Health::down("refused");
    one(&management, "db").await;
    let line = recorded.line("db UP → DEGRADED: refused (failure 1 of 2)");
    let fields = ["status", "previous", "failures"].map(|field| line[field].clone());
    assert_eq!(fields, [json!("DEGRADED"), json!("UP"), json!(1)]);
    one(&management, "db").await;
    let line = recorded.line("db DEGRADED → DOWN: refused");
    assert_eq!((&line["previous"], &line["failures"]), (&json!("DEGRADED"), &json!(2)));
}

#[tokio::test(start_paused = true)]
async fn fields_are_masked_like_messages() {
    let management = Management::builder()
        .mask(["tenant"])
        .check(Check::new("db", async || Err::<(), _>("tenant=acme at amqp://u:secret@mq")))
        .check(Check::new("queue", async || -> bool { panic!("password=hunter2 tenant=acme") }))
        .build()
        .unwrap();
    let recorded = Recorded::default();
    let _guard = recorded.capture();
    management.health().await;
    let lines = format!("{:?}", recorded.lines());
    assert!(lines.contains("tenant=***") && lines.contains("panicked: password=***"), "{lines}");
    for secret in ["acme", "secret@", "hunter2"] {
        assert!(!lines.contains(secret), "{lines}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_state_of_the_service_has_the_fields_of_a_check() {
    let management = with([]);
    let recorded = Recorded::default();
    let _guard = recorded.capture();
    management.availability().refusing("maintenance");
    assert_eq!(
        recorded.line("availability ACCEPTING → REFUSING: maintenance"),
        json!({
            "message": "availability ACCEPTING → REFUSING: maintenance", "check": "availability",
            "status": "REFUSING", "previous": "ACCEPTING", "reason": "maintenance",
        })
    );
}

/// In the form that log collectors read.
#[tokio::test]
async fn the_json_of_tracing_subscriber_has_the_fields() {
    #[derive(Clone, Default)]
    struct Output(Arc<Mutex<Vec<u8>>>);
    impl std::io::Write for Output {
        fn write(&mut self, part: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(part);
            Ok(part.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let output = Output::default();
    let own = output.clone();
    let subscriber = tracing_subscriber::fmt().json().with_writer(move || own.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    with([Check::new("db", async || false)]).health().await;
    let text = String::from_utf8(output.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let db = lines.iter().find(|line| line["fields"]["check"] == "db").expect(&text);
    assert_eq!(db["fields"]["status"], "DOWN");
    assert_eq!(db["level"], "WARN");
    assert!(db["fields"]["duration_ms"].is_u64() && db["fields"].get("previous").is_none());
}

#[tokio::test(start_paused = true)]
async fn each_run_is_one_span() {
    let polled_often = Check::new("often", async || {
        for _ in 0..100 {
            yield_now().await;
        }
        tracing::info!(target: "management", inside = tracing::Span::current().is_none(), "polled");
    });
    let late = Check::new("late", async || sleep(secs(9)).await).timeout(secs(1)).readiness();
    let recorded = Recorded::default();
    let _guard = recorded.capture();
    let management = with([polled_often, late]);
    let report = management.health().await;
    assert_eq!(report.status(), Status::Down);
    drop(management);
    while recorded.spans.lock().unwrap().len() < 2 {
        sleep(ms(1)).await;
    }
    let mut spans = recorded.spans.lock().unwrap().clone();
    spans.sort_by_key(|span| span["check"].to_string());
    assert_eq!(
        json!(spans),
        json!([
            {"check": "late", "kind": "readiness", "status": "DOWN"},
            {"check": "often", "kind": "health", "status": "UP"},
        ])
    );
    assert_eq!(*recorded.created.lock().unwrap(), 2, "polls create nothing");
    assert_eq!(
        recorded.line("polled")["inside"],
        json!("false"),
        "the check is inside of its span"
    );
}
