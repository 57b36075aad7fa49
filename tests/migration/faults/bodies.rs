//! What dependencies answer.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use flate2::Compression;
use flate2::write::GzEncoder;
use management_axum::{ShowDetails, Status};
use serde_json::json;
use support::{Peer, Printed, answer, get};
use tokio::io::AsyncWriteExt;
use tracing::Level;

use super::{health_of, one};
use crate::migration::{UP, app, builder, fixed, parsed};

// A body that is no object, or is nested too deep, makes the whole answer a 500.

async fn a_dependency_that_says_this_is_down(body: &str) {
    let peer = Peer::json(body).await;
    let app = app(builder()
        .service_dependency("users", peer.address.to_string())
        .check(fixed("db", Status::Up)));
    let health = get(&app, "/z/health").await;
    assert_eq!(health.status, 503);
    assert_eq!(
        parsed(&health)["components"],
        json!({"db": {"status": "UP"}, "users": {"status": "DOWN"}})
    );
}

#[tokio::test]
async fn a_dependency_that_answers_null_is_down() {
    a_dependency_that_says_this_is_down("null").await;
}

#[tokio::test]
async fn a_dependency_that_answers_true_is_down() {
    a_dependency_that_says_this_is_down("true").await;
}

#[tokio::test]
async fn a_dependency_that_answers_a_number_is_down() {
    a_dependency_that_says_this_is_down("7").await;
}

#[tokio::test]
async fn a_dependency_that_answers_an_array_is_down() {
    a_dependency_that_says_this_is_down(r#"[{"status":"UP"}]"#).await;
}

#[tokio::test]
async fn a_dependency_that_answers_a_string_is_down() {
    a_dependency_that_says_this_is_down(r#""UP""#).await;
}

#[tokio::test]
async fn a_dependency_that_answers_ten_thousand_levels_is_down() {
    let levels = format!(
        r#"{}{{"status":"UP"}}{}"#,
        r#"{"status":"UP","components":{"x":"#.repeat(1_000),
        "}}".repeat(1_000)
    );
    a_dependency_that_says_this_is_down(&levels).await;
    let levels = format!(r#"{{"status":"UP","x":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    a_dependency_that_says_this_is_down(&levels).await;
}

// Unusual answers of a dependency are misread.

#[tokio::test]
async fn a_dependency_with_a_byte_order_mark_is_up() {
    let peer = Peer::json(&format!("\u{feff}{UP}")).await;
    assert_eq!(health_of(&peer).await, (200, one("UP")));
}

#[tokio::test]
async fn a_dependency_that_sends_an_early_hint_is_up() {
    let hint = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n";
    let peer = Peer::saying([&hint[..], &answer(200, "application/json", UP)].concat()).await;
    assert_eq!(health_of(&peer).await, (200, one("UP")));
}

// Dependency bodies are read whole and echoed whole.

/// `tests/memory.rs` measures the memory that this takes.
#[tokio::test]
async fn a_body_of_a_hundred_megabytes_is_neither_read_nor_echoed() {
    let written = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&written);
    let endless = Peer::with(move |mut stream| {
        let counter = Arc::clone(&counter);
        async move {
            let head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"status\":\"UP\",\"x\":\"";
            let mut sent = stream.write_all(head).await;
            let chunk = vec![b'x'; 64 * 1024];
            while sent.is_ok() && counter.load(Ordering::SeqCst) < 100_000_000 {
                sent = stream.write_all(&chunk).await;
                counter.fetch_add(chunk.len(), Ordering::SeqCst);
            }
        }
    })
    .await;
    assert_eq!(health_of(&endless).await, (503, one("DOWN")));
    let written = written.load(Ordering::SeqCst);
    assert!(written < 50_000_000, "it was cut off, but for what buffers hold: {written}");
}

/// The unpacked body is `UP`, so the answer would be, too. `tests/memory.rs` measures the memory that this takes.
#[tokio::test]
async fn a_gzip_bomb_is_not_unpacked() {
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    bomb.write_all(br#"{"status":"UP","x":""#).unwrap();
    let chunk = vec![b'x'; 1024 * 1024];
    for _ in 0..64 {
        bomb.write_all(&chunk).unwrap();
    }
    bomb.write_all(br#""}"#).unwrap();
    let bomb = bomb.finish().unwrap();
    assert!(bomb.len() < 100_000, "{}", bomb.len());
    assert_eq!(health_of(&gzipped(&bomb).await).await, (503, one("DOWN")));
}

/// A small compressed body is read, so the bomb is refused for its size.
#[tokio::test]
async fn a_small_body_may_be_compressed() {
    let mut small = GzEncoder::new(Vec::new(), Compression::best());
    small.write_all(UP.as_bytes()).unwrap();
    assert_eq!(health_of(&gzipped(&small.finish().unwrap()).await).await, (200, one("UP")));
}

async fn gzipped(body: &[u8]) -> Peer {
    let media_type = "application/json\r\nContent-Encoding: gzip";
    Peer::saying(answer(200, media_type, body)).await
}

#[tokio::test]
async fn what_a_dependency_says_of_itself_is_shown_and_logged_to_nobody() {
    let printed = Printed::default();
    let _guard = printed.capture(Level::TRACE);
    let body = json!({
        "status": "DOWN", "password": "hunter2", "error": "hunter2",
        "components": {"db": {"status": "DOWN", "secret": "hunter2", "details": {"url": "hunter2"}}},
    });
    let peer = Peer::json(&body.to_string()).await;
    let builder = builder().service_dependency("users", peer.address.to_string());
    let app = app(builder);
    for path in ["/z/health", "/z/health/users", "/z/health/readiness?verbose", "/z/info"] {
        let answer = get(&app, path).await;
        assert!(!answer.body.contains("hunter2"), "{path}: {}", answer.body);
    }
    let log: String =
        printed.text().lines().filter(|line| line.contains(" management: ")).collect();
    assert!(log.contains("users at http://") && !log.contains("hunter2"), "{log}");
}

#[tokio::test]
async fn text_of_a_dependency_outside_of_details_is_dropped_for_everybody() {
    let body = json!({
        "status": "UP", "password": "hunter2",
        "components": {"db": {"status": "UP", "secret": "hunter2", "details": {"rows": 7}}},
    });
    let peer = Peer::json(&body.to_string()).await;
    let builder = builder().show_details(ShowDetails::always());
    let app = app(builder.service_dependency("users", peer.address.to_string()));
    let answer = get(&app, "/z/health").await;
    assert!(answer.body.contains(r#""rows":7"#), "{}", answer.body);
    assert!(!answer.body.contains("hunter2"), "{}", answer.body);
}

#[tokio::test]
async fn nan_is_not_passed_on() {
    for number in ["NaN", "Infinity", "-Infinity"] {
        let body = format!(
            r#"{{"status":"UP","components":{{"db":{{"status":"UP","details":{{"n":{number}}}}}}}}}"#
        );
        let peer = Peer::json(&body).await;
        let builder = builder().show_details(ShowDetails::always());
        let app = app(builder.service_dependency("users", peer.address.to_string()));
        let health = get(&app, "/z/health").await;
        // `parsed` panics if the body is no JSON.
        assert_eq!(parsed(&health)["components"]["users"]["status"], "DOWN", "{}", health.body);
        assert_eq!(parsed(&health)["components"]["users"].get("components"), None);
    }
}
