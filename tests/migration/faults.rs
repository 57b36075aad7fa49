//! The faults that flask-management-endpoints has: none of them may come back.

use std::fs;
use std::future::pending;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use flate2::Compression;
use flate2::write::GzEncoder;
use management_axum::{Builder, Check, Config, Dependency, IntoHealth, Kind, ShowDetails, Status};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::sync::{Barrier, Semaphore};
use tokio::time::timeout;
use tracing::Level;

use super::{UP, app, builder, fixed, parsed, said};
use support::{PATIENCE, Peer, Printed, Program, answer, fetch, get};

/// `/health` of a service that needs this peer.
async fn health_of(peer: &Peer) -> (u16, Value) {
    let app = app(builder().service_dependency("users", peer.address.to_string()));
    let health = timeout(PATIENCE, get(&app, "/z/health")).await.expect("an answer");
    (health.status.as_u16(), parsed(&health))
}

fn one(status: &str) -> Value {
    json!({"status": status, "components": {"users": {"status": status}}})
}

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

/// The package imports a client that it does not declare. Cargo would not build that; what remains is
/// that nobody has to ask for it.
#[test]
fn the_client_that_asks_dependencies_is_declared_and_there_by_default() {
    let manifest = include_str!("../../management-axum/Cargo.toml");
    assert!(manifest.contains("default = [\"dependencies\"]"), "{manifest}");
    assert!(include_str!("../../management-core/Cargo.toml").contains("\"dep:reqwest\""));
}

// Checks and dependencies run one after another.

#[tokio::test]
async fn checks_and_dependencies_run_at_once() {
    // Each waits until all are there, so that one after another would never end.
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
    // To its end, it would take a quarter of an hour.
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

/// What two types satisfy is ambiguous, so that this compiles only while a text is no outcome.
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
    // All wait, and liveness does not.
    assert_eq!(said(&get(&app, "/z/health/liveness").await), (200, UP));
    assert!(askers.iter().all(|asker| !asker.is_finished()));
    release.add_permits(1);
    for asker in askers {
        assert_eq!(asker.await.unwrap(), 200);
    }
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

// Services that depend on each other in a circle.

/// Services of which each needs the one behind it, and the last the first, with the number of requests
/// for `/health` that each has got.
async fn circle(size: usize) -> Vec<(std::net::SocketAddr, Arc<AtomicUsize>)> {
    let mut listeners = Vec::new();
    for _ in 0..size {
        listeners.push(TcpListener::bind("127.0.0.1:0").await.unwrap());
    }
    let addresses: Vec<_> =
        listeners.iter().map(|listener| listener.local_addr().unwrap()).collect();
    let mut services = Vec::new();
    for (number, listener) in listeners.into_iter().enumerate() {
        let next = Dependency::new(addresses[(number + 1) % size].to_string());
        let got = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&got);
        let count = move |request: Request, next: Next| {
            if request.uri().path() == "/z/health" {
                counter.fetch_add(1, Ordering::SeqCst);
            }
            next.run(request)
        };
        let builder = builder()
            .service_dependency("next", next.timeout(PATIENCE).ttl(Duration::ZERO))
            .health_budget(PATIENCE)
            .check(fixed("db", Status::Up));
        let app: Router = app(builder).layer(from_fn(count));
        services.push((addresses[number], got));
        tokio::spawn(async move { axum::serve(listener, app).await });
    }
    services
}

#[tokio::test]
async fn one_request_in_a_circle_is_one_to_each_dependency_and_comes_to_an_end() {
    for size in [1, 2, 3] {
        let services = circle(size).await;
        let health = timeout(PATIENCE, fetch(services[0].0, "/z/health", "")).await;
        let health = health.expect("the circle comes to an end");
        assert_eq!(health.status, 200, "{}", health.body);
        // Whatever still went on would be answered before this.
        for (address, _) in &services {
            fetch(*address, "/z/health/liveness", "").await;
        }
        let got: Vec<_> = services.iter().map(|(_, got)| got.load(Ordering::SeqCst)).collect();
        let expected: &[usize] = match size {
            1 => &[2],
            2 => &[1, 1],
            _ => &[1, 1, 0],
        };
        assert_eq!(got, expected);
    }
}

#[tokio::test]
async fn no_circle_holds_itself_down() {
    let services = circle(3).await;
    for (address, _) in services.iter().chain(&services) {
        let health = fetch(*address, "/z/health", "").await;
        assert_eq!(health.status, 200, "{}", health.body);
    }
}

// Dependency bodies are read whole and echoed whole.

/// The most memory that this process has had, in KiB.
fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Of which the package took 404 MB and a gigabyte, for one answer.
const MEMORY: u64 = 300 * 1024;

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
    assert!(peak_memory() < MEMORY, "{} KiB", peak_memory());
}

/// It says `UP`, so that whoever read it to its end would believe it. The memory that this takes is
/// measured in `tests/memory.rs`.
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
    assert!(peak_memory() < MEMORY, "{} KiB", peak_memory());
}

/// What is compressed and small is read: the bomb is not refused for being compressed.
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
        // `parsed` wants JSON.
        assert_eq!(parsed(&health)["components"]["users"]["status"], "DOWN", "{}", health.body);
        assert_eq!(parsed(&health)["components"]["users"].get("components"), None);
    }
}

// Redirects, `.netrc`, `HTTP_PROXY`.

#[tokio::test]
async fn redirects_are_not_followed() {
    for code in [301, 302, 303, 307, 308] {
        let target = Peer::up().await;
        let redirecting = Peer::saying(format!(
            "HTTP/1.1 {code} Told\r\nLocation: http://{}/z/health\r\nContent-Length: 0\r\nConnection: \
             close\r\n\r\n",
            target.address
        ))
        .await;
        assert_eq!(health_of(&redirecting).await, (503, one("DOWN")));
        assert_eq!((redirecting.asked().len(), target.asked().len()), (1, 0), "{code}");
    }
}

#[tokio::test]
async fn credentials_of_a_netrc_are_not_sent() {
    let home = tempfile::tempdir().unwrap();
    let netrc = home.path().join(".netrc");
    fs::write(&netrc, "machine 127.0.0.1 login me password hunter2\ndefault login me password x\n")
        .unwrap();
    fs::set_permissions(&netrc, fs::Permissions::from_mode(0o600)).unwrap();
    let peer = Peer::up().await;
    let health = Program::answer("/z/health")
        .env("HOME", home.path())
        .env("NETRC", &netrc)
        .env("MANAGEMENT_SERVICE_DEPENDENCIES", json!({"users": peer.address}).to_string());
    assert_eq!(health.json().await, one("UP"));
    assert_eq!(peer.header("authorization"), None);
}

#[tokio::test]
async fn http_proxy_is_not_obeyed() {
    let (peer, proxy) = (Peer::up().await, Peer::up().await);
    let url = format!("http://{}", proxy.address);
    let program = Program::answer("/z/health")
        .env("MANAGEMENT_SERVICE_DEPENDENCIES", json!({"users": peer.address}).to_string());
    let names = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"];
    let program = names.iter().fold(program, |program, name| program.env(name, &url));
    assert_eq!(program.json().await, one("UP"));
    assert_eq!((peer.targets(), proxy.asked().len()), (vec!["GET /z/health".to_owned()], 0));
}

// A dependency with a check's name replaces it.

#[test]
fn a_dependency_with_a_checks_name_is_refused() {
    let error = builder()
        .service_dependency("db", "db-service:80")
        .check(fixed("db", Status::Down))
        .build()
        .unwrap_err();
    assert!(error.is_name_taken(), "{error}");
    assert!(error.to_string().contains("`db` is the name of a service dependency"), "{error}");
}

// Dependencies are asked at `/z` whatever the own prefix is, and URLs are mangled.

async fn asked_at(given: impl Fn(&Peer) -> String, prefix: &str, target: &str) {
    let peer = Peer::up().await;
    let builder = builder().prefix(prefix).service_dependency("users", given(&peer));
    let health = get(&app(builder), &format!("{prefix}/health")).await;
    assert_eq!((health.status.as_u16(), parsed(&health)), (200, one("UP")));
    assert_eq!(peer.targets(), [format!("GET {target}")]);
}

#[tokio::test]
async fn dependencies_are_asked_under_the_own_prefix() {
    asked_at(|peer| peer.address.to_string(), "/admin", "/admin/health").await;
    asked_at(|peer| peer.address.to_string(), "", "/health").await;
}

#[tokio::test]
async fn a_scheme_in_upper_case_is_that_scheme() {
    asked_at(|peer| format!("HTTP://{}/Health", peer.address), "/z", "/Health").await;
}

#[tokio::test]
async fn a_host_that_begins_with_http_is_a_host() {
    let proxy = Peer::up().await;
    let program = Program::answer("/z/health")
        .env("HTTP_PROXY", format!("http://{}", proxy.address))
        .env("MANAGEMENT_DEPENDENCY_ENVIRONMENT_PROXIES", "true")
        .env("MANAGEMENT_SERVICE_DEPENDENCIES", r#"{"users": "httpbin:8000"}"#);
    assert_eq!(program.json().await, one("UP"));
    assert_eq!(proxy.targets(), ["GET http://httpbin:8000/z/health"]);
}

#[tokio::test]
async fn a_padded_host_is_trimmed() {
    asked_at(|peer| format!("  {}\n", peer.address), "/z", "/z/health").await;
}

#[tokio::test]
async fn a_query_stays_a_query() {
    asked_at(|peer| format!("http://{}/h?a=1&b=2", peer.address), "/z", "/h?a=1&b=2").await;
}

#[tokio::test]
async fn a_fragment_is_not_sent() {
    asked_at(|peer| format!("http://{}/h#top", peer.address), "/z", "/h").await;
    // Nor is what comes behind it lost.
    let peer = Peer::up().await;
    let builder = builder()
        .service_dependency("users", format!("http://{}/h#top", peer.address))
        .cascade(Kind::Readiness, ["users"]);
    assert_eq!(said(&get(&app(builder), "/z/health/readiness").await), (200, UP));
    assert_eq!(peer.targets(), ["GET /h/readiness"]);
}

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

// `/version` is text, and nothing is cached.

#[tokio::test]
async fn version_is_plain_text_whatever_markup_is_in_it() {
    let markup = "<script>alert(1)</script>";
    let app = app(builder().version_provider(move || async move { markup }));
    let answer = get(&app, "/z/version").await;
    assert_eq!(said(&answer), (200, markup));
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
}

#[tokio::test]
async fn no_answer_may_be_kept_by_a_cache() {
    let app = app(builder().check(fixed("db", Status::Down)));
    for path in [
        "/z/health",
        "/z/health/liveness",
        "/z/health/ping",
        "/z/health/readiness",
        "/z/health/startup",
        "/z/health/db",
        "/z/health/nobody",
        "/z/info",
        "/z/version",
    ] {
        assert_eq!(get(&app, path).await.header("cache-control"), Some("no-store"), "{path}");
    }
}

// Containers and pods.

/// With cgroup v2, `/proc/1/cpuset` holds a path and no id. The files of each runtime are tried in
/// `surroundings_of_each_runtime`, in `management-core/src/info/attributes.rs`.
#[tokio::test]
async fn container_id_is_no_path() {
    let info = parsed(&get(&app(builder()), "/z/info").await);
    let id = info["trace.attributes"].get("container.id").and_then(Value::as_str);
    assert!(id.is_none_or(|id| !id.is_empty() && !id.contains('/')), "{id:?}");
}

/// What a program whose host has this name says of its pod.
async fn pod(host_name: &str) -> Vec<(String, String)> {
    let around = Program::answer("/z/info").env("KUBERNETES_SERVICE_HOST", "10.96.0.1");
    let info = around.env("HOSTNAME", host_name).json().await;
    let attributes = info["trace.attributes"].as_object().unwrap();
    let told = attributes.iter().filter_map(|(key, value)| {
        let key = key.strip_prefix("k8s.")?.strip_suffix(".name")?;
        Some((key.to_owned(), value.as_str()?.to_owned()))
    });
    // A machine may be in a cluster of its own.
    told.filter(|(key, _)| !matches!(&**key, "namespace" | "node")).collect()
}

async fn names(host_name: &str, expected: &[(&str, &str)]) {
    let expected = expected.iter().map(|&(key, value)| (key.to_owned(), value.to_owned()));
    let mut expected: Vec<_> = expected.chain([("pod".into(), host_name.into())]).collect();
    expected.sort_unstable();
    assert_eq!(pod(host_name).await, expected, "{host_name}");
}

#[tokio::test]
async fn pods_of_workloads_with_hyphens_are_recognised() {
    let replicas = "shop-user-api-5d4f8c7b9";
    let workload = "shop-user-api";
    names(
        "shop-user-api-5d4f8c7b9-x7k2p",
        &[("container", workload), ("deployment", workload), ("replicaset", replicas)],
    )
    .await;
}

#[tokio::test]
async fn pods_of_stateful_sets_are_recognised() {
    names("user-db-0", &[("container", "user-db"), ("statefulset", "user-db")]).await;
}

#[tokio::test]
async fn pods_of_daemon_sets_are_recognised() {
    names("log-collector-x7k2p", &[("container", "log-collector")]).await;
}

#[tokio::test]
async fn pods_of_jobs_are_recognised() {
    names("import-x7k2p", &[("container", "import")]).await;
    names(
        "nightly-29912345-x7k2p",
        &[("container", "nightly"), ("cronjob", "nightly"), ("job", "nightly-29912345")],
    )
    .await;
}

#[tokio::test]
async fn pods_whose_hash_is_not_nine_long_are_recognised() {
    for hash in ["5d4f8c7b", "5d4f8c7b96"] {
        let replicas = format!("api-{hash}");
        let parts = [("container", "api"), ("deployment", "api"), ("replicaset", &*replicas)];
        names(&format!("{replicas}-x7k2p"), &parts).await;
    }
}

#[tokio::test]
async fn host_names_that_are_no_pods_of_a_workload_are_not_taken_for_them() {
    // A word of nine letters is no hash, and one of five no random end.
    for host_name in ["shop-inventory-hello", "my-webserver-local", "api"] {
        names(host_name, &[]).await;
    }
    // And outside of Kubernetes nothing is a pod.
    let info = Program::answer("/z/info").env("HOSTNAME", "api-5d4f8c7b9-x7k2p").json().await;
    if !fs::exists("/var/run/secrets/kubernetes.io").unwrap() {
        assert_eq!(info["trace.attributes"].get("k8s.pod.name"), None);
    }
}

// `process.command_line` shows every argument.

#[tokio::test]
async fn the_command_line_is_shown_to_nobody_by_default() {
    let program = Program::answer("/z/info").arg("--password=hunter2");
    let line = program.line().await;
    assert!(!line.contains("hunter2") && !line.contains("process.command_line"), "{line}");
}

#[tokio::test]
async fn secrets_in_a_command_line_that_is_asked_for_are_masked() {
    let mut program =
        Program::answer("/z/info").env("MANAGEMENT_PROCESS_COMMAND_LINE", "true").arg("--port=80");
    for argument in ["--password=hunter2", "--token", "hunter2", "db://me:hunter2@h/", "-phunter2"]
    {
        program = program.arg(argument);
    }
    let line = program.json().await["trace.attributes"]["process.command_line"].take();
    let line = line.as_str().unwrap();
    assert!(line.contains("--port=80") && !line.contains("hunter2"), "{line}");
}

// The variables are read twice, and must be UTF-8.

#[tokio::test]
async fn info_and_version_tell_the_same_version() {
    let lines = Program::configured(&["/z/version", "/z/info"]).env("VERSION", " 1.2.3\n").lines();
    let lines = lines.await;
    assert_eq!(lines[0], "200 1.2.3");
    let info: Value = serde_json::from_str(lines[1].strip_prefix("200 ").unwrap()).unwrap();
    assert_eq!(info["app"]["version"], "1.2.3");
    assert_eq!(info["trace.attributes"]["service.version"], "1.2.3");
    let app = app(builder().version_provider(async || "of the function"));
    assert_eq!(get(&app, "/z/version").await.body, "of the function");
    let info = parsed(&get(&app, "/z/info").await);
    assert_eq!(info["trace.attributes"]["service.version"], "of the function");
}

#[tokio::test]
async fn variables_that_are_not_utf_8_make_no_500() {
    use std::ffi::OsStr;
    let odd = OsStr::from_bytes(b"1.\xff");
    let program = Program::configured(&["/z/version", "/z/info", "/z/health/alive"]);
    let lines =
        program.env("VERSION", odd).env("HOSTNAME", odd).env("NAMESPACE", odd).lines().await;
    assert_eq!(lines[0], "200 1.\u{fffd}");
    assert!(lines[1].starts_with("200 {") && lines[1].contains("\"version\":\"1.\u{fffd}\""));
    assert_eq!(lines[2], format!("200 {UP}"));
}

// The file of the instance id.

/// The id, with the folder for temporary files being this one.
async fn instance_id(temporary: &std::path::Path) -> String {
    let program = Program::answer("/z/info")
        .env("TMPDIR", temporary)
        .env("MANAGEMENT_SERVICE_INSTANCE_ID", "true");
    let info = program.json().await;
    info["trace.attributes"]["service.instance.id"].as_str().expect("an id").to_owned()
}

/// The id of a service of this name, kept in this folder.
async fn kept_id(name: &str, folder: &std::path::Path) -> String {
    let builder = builder().name(name).service_instance_id(true);
    let answer = get(&app(builder.service_instance_id_folder(folder)), "/z/info").await;
    assert_eq!(answer.status, 200);
    let info = parsed(&answer);
    info["trace.attributes"]["service.instance.id"].as_str().expect("an id").to_owned()
}

const FORESEEN: &str = "00000000000040008000000000000000";

#[tokio::test]
async fn nobody_else_can_plant_an_id_where_temporary_files_are() {
    let temporary = tempfile::tempdir().unwrap();
    // As the Python package names it.
    fs::write(temporary.path().join("answer-service-instance-id"), FORESEEN).unwrap();
    let id = instance_id(temporary.path()).await;
    assert_ne!(id, FORESEEN);
    let owner = fs::metadata(temporary.path()).unwrap().uid();
    let own = temporary.path().join(format!("management-{owner}"));
    let mode = fs::metadata(&own).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700, "the folder is its owner's alone");

    // Into which others may write, it is no place to read from.
    fs::write(own.join("instance-id-answer"), FORESEEN).unwrap();
    assert_eq!(instance_id(temporary.path()).await, FORESEEN);
    fs::set_permissions(&own, fs::Permissions::from_mode(0o777)).unwrap();
    assert_ne!(instance_id(temporary.path()).await, FORESEEN);
}

#[tokio::test]
async fn the_instance_id_follows_no_links() {
    let (temporary, victim) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let owner = fs::metadata(temporary.path()).unwrap().uid();
    symlink(victim.path(), temporary.path().join(format!("management-{owner}"))).unwrap();
    assert_eq!(instance_id(temporary.path()).await.len(), 32);
    assert!(fs::read_dir(victim.path()).unwrap().next().is_none(), "a link of the folder");

    let (folder, file) = (tempfile::tempdir().unwrap(), victim.path().join("file"));
    fs::write(&file, FORESEEN).unwrap();
    for name in ["instance-id-shop", "instance-id-shop.new", "instance-id-shop.lock"] {
        symlink(&file, folder.path().join(name)).unwrap();
    }
    assert_ne!(kept_id("shop", folder.path()).await, FORESEEN);
    assert_eq!(
        fs::read_to_string(&file).unwrap(),
        FORESEEN,
        "what the link leads to is left alone"
    );
}

#[tokio::test]
async fn the_instance_id_is_written_in_one_step() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("instance-id-shop");
    // What was half written by whoever died meanwhile.
    fs::write(&file, &FORESEEN[..7]).unwrap();
    fs::write(folder.path().join("instance-id-shop.new"), &FORESEEN[..7]).unwrap();
    let before = fs::File::open(&file).unwrap();
    let id = kept_id("shop", folder.path()).await;
    assert_eq!(fs::read_to_string(&file).unwrap().trim(), id);
    assert_eq!(kept_id("shop", folder.path()).await, id);
    // Whoever reads the old file meanwhile never sees the beginning of the new one.
    assert_eq!(std::io::read_to_string(before).unwrap(), &FORESEEN[..7]);
    assert!(!folder.path().join("instance-id-shop.new").exists());
}

#[tokio::test]
async fn a_name_with_slashes_stays_in_the_folder() {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("folder");
    let names = ["a/b", "../escaped", "../../escaped", "/etc/escaped", "..", "a\0b"];
    for name in names {
        let id = kept_id(name, &folder).await;
        assert_eq!(kept_id(name, &folder).await, id, "{name:?}");
    }
    let entries =
        |path| fs::read_dir(path).unwrap().map(|entry| entry.unwrap()).collect::<Vec<_>>();
    assert_eq!(entries(outer.path()).len(), 1);
    let ids = entries(&folder);
    assert!(ids.iter().all(|entry| entry.file_type().unwrap().is_file()));
    let ids = ids.iter().filter(|entry| !entry.file_name().to_str().unwrap().ends_with(".lock"));
    assert_eq!(ids.count(), names.len());
}

#[tokio::test]
async fn a_folder_in_place_of_the_file_makes_no_500() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("instance-id-shop")).unwrap();
    assert_eq!(kept_id("shop", folder.path()).await.len(), 32);
    // Nor does a file in place of the folder.
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    assert_eq!(kept_id("shop", &file).await.len(), 32);
}

// `no_log` never hides anything, and misspelt keys are ignored.

#[tokio::test]
async fn the_access_log_hides_probes_over_a_socket() {
    let printed = Printed::default();
    let _guard = printed.capture(Level::INFO);
    let app: Router = app(builder()).layer(management_axum::access_log());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    assert_eq!(fetch(address, "/z/health/liveness", "").await.status, 200);
    assert_eq!(printed.take(), [""; 0]);
    assert_eq!(fetch(address, "/z/health/nobody", "").await.status, 404);
    assert_eq!(printed.take().len(), 1);
}

#[tokio::test]
async fn a_misspelt_key_is_refused_with_its_name() {
    for config in [
        json!({"chekcs": {}}),
        json!({"checks": {"db": {"tiemout": "1s"}}}),
        json!({"check_functions": {"helth": {}}}),
        json!({"service_dependencies": {"users": {"uri": "h"}}}),
    ] {
        let error = serde_json::from_value::<Config>(config.clone()).unwrap_err().to_string();
        assert!(error.contains("unknown field"), "{config}: {error}");
    }
    let config = serde_json::from_value(json!({"checks": {"bd": {"critical": false}}})).unwrap();
    let error = builder().config(config).check(fixed("db", Status::Up)).build().unwrap_err();
    assert!(error.is_absent(), "{error}");
    assert!(error.to_string().contains("`checks.bd` is configured"), "{error}");
    let program = Program::answer("/z/health").env("MANAGEMENT_ENDPOINTS", r#"{"helth": true}"#);
    let refusal = program.refusal().await;
    assert!(refusal.contains("`MANAGEMENT_ENDPOINTS`") && refusal.contains("helth"), "{refusal}");
}

// What a proxy's rules on `/z/` see, and what they do not.

fn with_a_check() -> Builder {
    builder().check(fixed("db", Status::Up))
}

#[tokio::test]
async fn a_percent_encoded_probe_is_that_probe() {
    let app = app(with_a_check());
    for name in ["%6civeness", "%70ing", "%72eadiness", "db", "%64b"] {
        assert_eq!(said(&get(&app, &format!("/z/health/{name}")).await), (200, UP), "{name}");
    }
}

#[tokio::test]
async fn a_doubled_slash_or_an_encoded_one_is_404() {
    let app = app(with_a_check());
    for path in
        ["//z/health", "/z%2Fhealth", "/z//health", "/z/health%2Fdb", "/z/health%2fliveness"]
    {
        assert_eq!(get(&app, path).await.status, 404, "{path}");
    }
}
