//! The shop: three services in a circle, over their real databases.

#[allow(dead_code, unreachable_pub, reason = "the test takes the place of its `main`")]
#[path = "../examples/shop.rs"]
mod shop;

use std::net::SocketAddr;
use std::time::Duration;

use support::fetch;
use tokio::net::TcpListener;

/// Asks until the answer is from runs that began after the file was moved: results are kept for a
/// `ttl`, and this test does not sleep through it.
async fn settled(address: SocketAddr, path: &str, status: u16, body: &str) {
    let mut last = String::new();
    let asking = async {
        loop {
            let answer = fetch(address, path, "").await;
            if (answer.status.as_u16(), &*answer.body) == (status, body) {
                return;
            }
            last = format!("{} {}", answer.status, answer.body);
            tokio::task::yield_now().await;
        }
    };
    let patience = Duration::from_secs(60);
    if tokio::time::timeout(patience, asking).await.is_err() {
        panic!("{path} became {last}, and not {status} {body}");
    }
}

const UP: &str = r#"{"status":"UP"}"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_one_database_taken_away_and_brought_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut addresses = Vec::new();
    let mut listeners = Vec::new();
    for _ in 0..3 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        addresses.push(listener.local_addr().unwrap());
        listeners.push(listener);
    }
    let [front, orders, users] = addresses[..] else { panic!("there are three") };
    shop::start(listeners.try_into().unwrap(), dir.path()).await.unwrap();

    let up = [
        (
            front,
            r#"{"status":"UP","components":{"db":{"status":"UP"},"orders":{"status":"UP","components":{"backlog":{"status":"UP"},"db":{"status":"UP"}}},"users":{"status":"UP","components":{"db":{"status":"UP"}}}}}"#,
        ),
        (
            orders,
            r#"{"status":"UP","components":{"backlog":{"status":"UP"},"db":{"status":"UP"},"users":{"status":"UP","components":{"db":{"status":"UP"}}}}}"#,
        ),
        (
            users,
            r#"{"status":"UP","components":{"db":{"status":"UP"},"front":{"status":"UP","components":{"db":{"status":"UP"}}}}}"#,
        ),
    ];
    for (service, body) in up {
        let answer = fetch(service, "/z/health", "").await;
        assert_eq!((answer.status.as_u16(), &*answer.body), (200, body));
        assert_eq!(fetch(service, "/z/health/readiness", "").await.body, UP);
        assert_eq!(fetch(service, "/", "").await.body, "1\n");
        let info = fetch(service, "/z/info", "").await.body;
        assert!(info.contains(r#""entries":{"count":1}"#), "{info}");
    }

    let (file, away) = (dir.path().join("users.db"), dir.path().join("away.db"));
    std::fs::rename(&file, &away).unwrap();
    // users has lost its database, and front and orders say so; but they still want requests.
    settled(users, "/z/health", 503, r#"{"status":"DOWN","components":{"db":{"status":"DOWN"},"front":{"status":"UP","components":{"db":{"status":"UP"}}}}}"#).await;
    settled(users, "/z/health/readiness", 503, r#"{"status":"DOWN"}"#).await;
    settled(front, "/z/health", 503, r#"{"status":"DOWN","components":{"db":{"status":"UP"},"orders":{"status":"UP","components":{"backlog":{"status":"UP"},"db":{"status":"UP"}}},"users":{"status":"DOWN","components":{"db":{"status":"DOWN"}}}}}"#).await;
    settled(orders, "/z/health", 503, r#"{"status":"DOWN","components":{"backlog":{"status":"UP"},"db":{"status":"UP"},"users":{"status":"DOWN","components":{"db":{"status":"DOWN"}}}}}"#).await;
    for service in [front, orders] {
        assert_eq!(fetch(service, "/z/health/readiness", "").await.body, UP);
        assert_eq!(fetch(service, "/", "").await.body, "2\n");
    }
    for service in [front, orders, users] {
        assert_eq!(fetch(service, "/z/health/liveness", "").await.body, UP);
    }
    // Whoever may see details is told why, and nobody else.
    let told = fetch(orders, "/z/health", "authorization: Bearer shop\r\n").await.body;
    assert!(told.contains("answered 503 with status DOWN"), "{told}");

    std::fs::rename(&away, &file).unwrap();
    for (service, body) in up {
        settled(service, "/z/health", 200, body).await;
        settled(service, "/z/health/readiness", 200, UP).await;
    }
}
