//! A service with 10,000 checks.

use std::time::Instant;

use management_core::{Builder, Check, Management};

use super::{lint, text};

#[tokio::test]
async fn ten_thousand_checks() {
    let checks = (0..10_000).map(|at| Check::new(format!("tenant \"{at}\" \\"), async || ()));
    let management = checks.fold(Management::builder(), Builder::check).build().unwrap();
    management.health().await;
    let started = Instant::now();
    let body = text(&management).await;
    let took = started.elapsed();
    let lines = body.lines().count();
    println!("{lines} lines, {} bytes, {took:?}", body.len());
    assert!(lines > 10_000 * 28, "{lines}");
    assert_eq!(lint(&body), "");

    // The text of another exporter is validated, and replaces what has the same names.
    let own = body.clone();
    let other = Management::builder().health_budget(super::secs(60)).timeout(super::secs(50));
    let other = other.metrics_text(move || own.clone()).build().unwrap();
    assert!(text(&other).await == body, "the text is not valid");
}
