//! The text of another exporter.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use management_core::{Builder, Check, Management};
use support::Lines;

use super::{answer, secs, state, text, value};

const OPENMETRICS: Option<&str> = Some("application/openmetrics-text");

fn saying(text: &str) -> Management {
    let text = text.to_owned();
    Management::builder().metrics_text(move || text.clone()).build().unwrap()
}

const ORDERS: &str = "# HELP orders_total Orders.\n# TYPE orders_total counter\norders_total 3\n";

#[tokio::test]
async fn one_scrape_returns_everything() {
    let text = text(&saying(ORDERS)).await;
    assert!(text.ends_with(&format!("\n{ORDERS}")), "{text}");
    assert_eq!(value(&text, "health_draining"), Some(0.0));
}

#[tokio::test]
async fn openmetrics_only_if_both_are() {
    let both = "# TYPE orders counter\norders_total 3.0 # {id=\"1\"} 1.0\n# EOF\n";
    let management = saying(both);
    let (headers, body) = answer(&management, OPENMETRICS).await;
    assert!(headers["content-type"].to_str().unwrap().starts_with("application/openmetrics-text;"));
    assert!(body.ends_with(&format!("\n{both}")), "{body}");
    assert_eq!(body.matches("# EOF").count(), 1);
    let text = text(&management).await;
    assert!(text.ends_with("\n# TYPE orders_total counter\norders_total 3.0\n"), "{text}");

    let (headers, body) = answer(&saying(ORDERS), OPENMETRICS).await;
    assert_eq!(headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    assert!(body.ends_with(ORDERS) && !body.contains("# EOF"), "{body}");
}

#[tokio::test]
async fn its_own_names_win_and_the_log_has_them_once() {
    let lines = Lines::default();
    let _guard = lines.capture();
    let own = "process_threads 7\n# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total 9\n\
               health_check_duration_seconds_sum 1\n";
    let builder = Management::builder().check(Check::new("db", async || ()));
    let management = builder.metrics_text(move || own.to_owned()).build().unwrap();
    lines.take();
    for _ in 0..2 {
        let text = text(&management).await;
        assert_eq!(value(&text, "process_threads"), Some(7.0));
        assert_eq!(value(&text, "process_cpu_seconds_total"), Some(9.0));
        assert_eq!(text.matches("# TYPE process_cpu_seconds_total").count(), 1, "{text}");
        assert!(!text.contains("health_check_duration_seconds_bucket"), "{text}");
        assert!(value(&text, "process_open_fds").is_some());
    }
    let warnings: Vec<_> =
        lines.take().into_iter().filter(|line| line.starts_with("WARN")).collect();
    assert_eq!(
        warnings,
        ["WARN `.metrics_text(…)` has metrics of its own with these names, which replace ours: \
          health_check_duration_seconds, process_cpu_seconds_total, process_threads"]
    );
}

#[tokio::test]
async fn a_counter_of_openmetrics_wins_too() {
    let management =
        saying("# TYPE process_cpu_seconds counter\nprocess_cpu_seconds_total 9\n# EOF\n");
    let (_, body) = answer(&management, OPENMETRICS).await;
    assert_eq!(value(&body, "process_cpu_seconds_total"), Some(9.0));
    assert_eq!(body.matches("# TYPE process_cpu_seconds counter").count(), 1, "{body}");
}

#[tokio::test]
async fn what_is_not_valid_is_dropped_and_logged_once_until_it_changes() {
    let lines = Lines::default();
    let _guard = lines.capture();
    let said = Arc::new(Mutex::new(String::from("orders 1\norders-open 2\n")));
    let own = Arc::clone(&said);
    let management = Management::builder().metrics_text(move || own.lock().unwrap().clone());
    let management = management.build().unwrap();
    lines.take();
    let scrape = async |expected: bool| {
        let text = text(&management).await;
        assert_eq!(text.contains("orders"), expected, "{text}");
        assert!(text.contains("health_draining 0\n"), "{text}");
        lines.take()
    };
    let why = "WARN `.metrics_text(…)` failed: line 2: a space is missing before `-open 2`";
    assert_eq!(scrape(false).await, [why]);
    assert_eq!(scrape(false).await, [""; 0]);
    *said.lock().unwrap() = "orders one\n".into();
    assert_eq!(
        scrape(false).await,
        ["WARN `.metrics_text(…)` still fails: line 1: `one` is not a number"]
    );
    *said.lock().unwrap() = "orders 1\n".into();
    assert_eq!(scrape(true).await, ["INFO `.metrics_text(…)` works again"]);
}

#[tokio::test]
async fn a_panic_is_logged_and_the_rest_is_answered() {
    let lines = Lines::default();
    let _guard = lines.capture();
    let management = Management::builder().metrics_text(|| panic!("no recorder")).build().unwrap();
    lines.take();
    assert!(text(&management).await.contains("health_draining 0\n"));
    assert_eq!(lines.take(), ["WARN `.metrics_text(…)` failed: panicked: no recorder"]);
}

#[tokio::test]
async fn an_exporter_that_blocks_costs_no_more_than_the_budget() {
    let (release, blocked) = std::sync::mpsc::channel::<()>();
    let blocked = Mutex::new(blocked);
    let builder = Management::builder().health_budget(Duration::from_millis(20));
    let builder = builder.check(Check::new("db", async || ()));
    let builder = builder.metrics_text(move || {
        _ = blocked.lock().unwrap().recv();
        ORDERS.into()
    });
    let management = builder.build().unwrap();
    let first = text(&management).await;
    assert!(!first.contains("orders"), "{first}");
    assert_eq!(state(&first, "health_check_status{check=\"db\""), "unknown");
    // The run goes on, and the next scrape waits for it.
    drop(release);
    let asking = async {
        while !text(&management).await.contains("orders_total 3\n") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(support::PATIENCE, asking).await.expect("it is there again");
}

#[tokio::test]
async fn the_defaults_of_checks_do_not_apply() {
    let builder = Management::builder().interval(secs(3600)).retry(secs(60));
    let count = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let management = builder.metrics_text(move || {
        format!("scrapes {}\n", count.fetch_add(1, std::sync::atomic::Ordering::SeqCst))
    });
    let management = management.build().unwrap();
    for expected in [0.0, 1.0, 2.0] {
        assert_eq!(value(&text(&management).await, "scrapes"), Some(expected));
    }
}

#[test]
fn two_are_a_mistake() {
    let builder: Builder =
        Management::builder().metrics_text(String::new).metrics_text(String::new);
    let error = builder.build().unwrap_err().to_string();
    assert!(error.contains("`.metrics_text(…)` is called at "), "{error}");
    assert!(error.contains(": return both texts from one function"), "{error}");
}
