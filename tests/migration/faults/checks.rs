//! How checks and dependencies run together.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use management_axum::{Check, Dependency, IntoHealth, Status};
use serde_json::json;
use support::{PATIENCE, Peer, answer, get};
use tokio::io::AsyncWriteExt;
use tokio::sync::{Barrier, Semaphore};
use tokio::time::timeout;

use super::{health_of, one};
use crate::migration::{UP, app, builder, fixed, parsed, said};

// `/health` is a 500 as soon as there is one dependency.

#[tokio::test]
async fn health_is_answered_with_a_dependency_that_sets_no_timeout() {
    assert_eq!(health_of(&Peer::up().await).await, (200, one("UP")));
}

#[tokio::test(start_paused = true)]
async fn the_timeout_of_a_dependency_has_a_default_of_two_seconds() {
    let silent = Peer::with(|stream| async move {
        pending::<()>().await;
        drop(stream);
    })
    .await;
    let app = app(builder().service_dependency("users", silent.address.to_string()));
    let start = tokio::time::Instant::now();
    let health = get(&app, "/z/health").await;
    assert_eq!((health.status.as_u16(), parsed(&health)), (503, one("DOWN")));
    assert!(start.elapsed() <= Duration::from_secs(2), "{:?}", start.elapsed());
}

/// The package imports a client that it does not declare. Cargo would not build that, so this shows that the client
/// is enabled by default.
#[test]
fn the_client_that_asks_dependencies_is_declared_and_there_by_default() {
    let manifest = include_str!("../../../management-axum/Cargo.toml");
    assert!(manifest.contains("default = [\"dependencies\"]"), "{manifest}");
    assert!(include_str!("../../../management-core/Cargo.toml").contains("\"dep:reqwest\""));
}

// Checks and dependencies run one after another.

#[tokio::test]
async fn checks_and_dependencies_run_at_once() {
    // Each waits until all have begun, so they would never end if they ran one after another.
    let all = Arc::new(Barrier::new(5));
    let check = |name: &str| {
        let all = Arc::clone(&all);
        Check::new(name, move || {
            let all = Arc::clone(&all);
            async move {
                all.wait().await;
            }
        })
    };
    let peer = async || {
        let all = Arc::clone(&all);
        Peer::with(move |mut stream| {
            let all = Arc::clone(&all);
            async move {
                all.wait().await;
                stream.write_all(&answer(200, "application/json", UP)).await.unwrap();
            }
        })
        .await
    };
    let (users, search) = (peer().await, peer().await);
    let app = app(builder()
        .timeout(PATIENCE)
        .health_budget(PATIENCE)
        .check(check("db"))
        .check(check("queue"))
        .check(check("cache").readiness())
        .service_dependency("users", Dependency::new(users.address.to_string()).timeout(PATIENCE))
        .service_dependency(
            "search",
            Dependency::new(search.address.to_string()).timeout(PATIENCE),
        ));
    let health = timeout(PATIENCE / 2, get(&app, "/z/health")).await.expect("they run at once");
    assert_eq!(health.status, 200, "{}", health.body);
}

#[tokio::test]
async fn the_timeout_is_for_the_whole_exchange_with_a_peer_that_drips() {
    let dripping = Peer::with(|mut stream| async move {
        let head =
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n";
        let mut sent = stream.write_all(head).await;
        while sent.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
            sent = stream.write_all(b" ").await;
        }
    })
    .await;
    let dependency = Dependency::new(dripping.address.to_string());
    let app = app(builder()
        .health_budget(PATIENCE)
        .service_dependency("users", dependency.timeout(Duration::from_millis(200))));
    // The whole body would take a quarter of an hour.
    let health = timeout(PATIENCE, get(&app, "/z/health")).await.expect("a deadline");
    assert_eq!((health.status.as_u16(), parsed(&health)), (503, one("DOWN")));
}

// A check or version function that raises makes the whole answer a 500.

#[tokio::test]
async fn a_check_that_panics_is_down_and_hides_no_other() {
    let app = app(builder()
        .check(Check::new("panics", || async { panic!("in the check") as () }))
        .check(Check::blocking("panics too", || panic!("in the check") as ()))
        .check(fixed("db", Status::Up)));
    let health = get(&app, "/z/health").await;
    assert_eq!(
        (health.status.as_u16(), health.header("content-type")),
        (503, Some("application/json"))
    );
    let (up, down) = (json!({"status": "UP"}), json!({"status": "DOWN"}));
    assert_eq!(
        parsed(&health)["components"],
        json!({"db": up, "panics": down, "panics too": down})
    );
}

#[tokio::test]
async fn a_version_function_that_panics_harms_version_alone() {
    let app = app(builder()
        .name("shop")
        .version_provider(|| async { panic!("in the function") as String })
        .check(fixed("db", Status::Up)));
    assert_eq!(said(&get(&app, "/z/version").await), (503, "unknown"));
    assert_eq!(get(&app, "/z/health").await.status, 200);
    let info = get(&app, "/z/info").await;
    assert_eq!((info.status.as_u16(), &parsed(&info)["app"]), (200, &json!({"name": "shop"})));
}

/// `Outcome<_>` is ambiguous for a type that implements `IntoHealth`, so this compiles only while texts do not.
#[tokio::test]
async fn a_check_cannot_return_the_text_down_and_the_status_down_is_down() {
    trait Outcome<Shape> {
        const IS_NONE: bool = true;
    }
    struct IsOutcome;
    impl<T> Outcome<()> for T {}
    impl<T: IntoHealth> Outcome<IsOutcome> for T {}
    const { assert!(<&str as Outcome<_>>::IS_NONE && <String as Outcome<_>>::IS_NONE) };

    let health = get(&app(builder().check(fixed("db", Status::Down))), "/z/health").await;
    assert_eq!(health.status, 503);
}

// A slow check is started again by every prober.

#[tokio::test]
async fn fifty_askers_of_a_slow_check_make_one_run_and_liveness_waits_for_none_of_them() {
    let (runs, release) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let check = {
        let (runs, release) = (Arc::clone(&runs), Arc::clone(&release));
        Check::new("slow", move || {
            runs.fetch_add(1, Ordering::SeqCst);
            let release = Arc::clone(&release);
            async move { release.acquire().await.unwrap().forget() }
        })
    };
    let check = check.timeout(PATIENCE).ttl(PATIENCE).valid_for(3 * PATIENCE);
    let app = app(builder().health_budget(PATIENCE).check(check));
    let asked = Arc::new(Semaphore::new(0));
    let askers: Vec<_> = (0..50)
        .map(|_| {
            let (app, asked) = (app.clone(), Arc::clone(&asked));
            tokio::spawn(async move {
                asked.add_permits(1);
                get(&app, "/z/health").await.status.as_u16()
            })
        })
        .collect();
    asked.acquire_many(50).await.unwrap().forget();
    // Everybody waits for the check, except liveness.
    assert_eq!(said(&get(&app, "/z/health/liveness").await), (200, UP));
    assert!(askers.iter().all(|asker| !asker.is_finished()));
    release.add_permits(1);
    for asker in askers {
        assert_eq!(asker.await.unwrap(), 200);
    }
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}
