//! The quickstart, over its real database.

#[allow(dead_code, unreachable_pub, reason = "the test takes the place of its `main`")]
#[path = "../examples/quickstart.rs"]
mod quickstart;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use serde_json::Value;
use support::{get, send};

async fn operator(app: &Router, path: &str) -> Value {
    let request = Request::get(path).header("authorization", "Bearer quickstart");
    let answer = send(app, request.body(Body::empty()).unwrap()).await;
    serde_json::from_str(&answer.body).unwrap()
}

/// Asks until the answer is from a run that began after the file was moved: the checks keep a
/// result for their `ttl`, and this test does not sleep through it.
async fn settled(app: &Router, path: &str, status: u16) -> support::Answer {
    let asking = async {
        loop {
            let answer = get(app, path).await;
            if answer.status.as_u16() == status {
                return answer;
            }
            tokio::task::yield_now().await;
        }
    };
    let patience = std::time::Duration::from_secs(60);
    tokio::time::timeout(patience, asking).await.expect("the answer changes")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_the_database_file_taken_away_and_brought_back() {
    let dir = tempfile::tempdir().unwrap();
    let (file, away) = (dir.path().join("app.db"), dir.path().join("away.db"));
    let url = format!("sqlite:{}", file.display());
    let app = quickstart::app(quickstart::database_pool(&url).await.unwrap()).unwrap();

    assert_eq!(get(&app, "/").await.body, "Hello!\n");
    let health = get(&app, "/z/health").await;
    assert_eq!(
        (health.status.as_u16(), &*health.body),
        (
            200,
            r#"{"status":"UP","components":{"db":{"status":"UP"},"disk":{"status":"UP"},"schema":{"status":"UP"}}}"#
        )
    );
    assert_eq!(get(&app, "/z/health/readiness").await.body, r#"{"status":"UP"}"#);
    assert_eq!(get(&app, "/z/version").await.body, env!("CARGO_PKG_VERSION"));
    let info = get(&app, "/z/info").await.body;
    let info: Value = serde_json::from_str(&info).unwrap();
    assert_eq!(info["app"]["name"], "quickstart");
    assert_eq!(info["build"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(info["trace.attributes"]["service.name"], "quickstart");
    assert_eq!(info["visits"]["count"], 1);

    std::fs::rename(&file, &away).unwrap();
    settled(&app, "/z/health/db", 503).await;
    let readiness = settled(&app, "/z/health/readiness", 503).await;
    assert_eq!(readiness.body, r#"{"status":"DOWN"}"#);
    assert_eq!(get(&app, "/z/health").await.status, 503);
    assert_eq!(get(&app, "/z/health/liveness").await.status, 200);
    assert_eq!(get(&app, "/").await.status, 500);
    let shown = operator(&app, "/z/health").await;
    let error = shown["components"]["db"]["details"]["error"].as_str().unwrap();
    assert!(error.contains("unable to open database file"), "{error}");

    std::fs::rename(&away, &file).unwrap();
    settled(&app, "/z/health/db", 200).await;
    settled(&app, "/z/health/readiness", 200).await;
    assert_eq!(settled(&app, "/z/health", 200).await.body, health.body);
    assert_eq!(get(&app, "/").await.body, "Hello!\n");
}
