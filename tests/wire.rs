//! What only a wire shows.

use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use management_axum::{Builder, Check, Management};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

async fn serve(builder: Builder) -> SocketAddr {
    let app: Router = management_axum::router(&builder.build().unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// Sends bytes, and reads until the server closes.
async fn exchange(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

fn one_check() -> Builder {
    Management::builder().check(Check::new("db", async || ()))
}

#[tokio::test]
async fn the_requests_that_probers_send() {
    let address = serve(one_check()).await;
    // HAProxy's bare check, with another path: no Host, HTTP/1.0.
    let answer = exchange(address, "OPTIONS /z/health HTTP/1.0\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.0 200 OK\r\n"), "{answer}");
    assert!(answer.contains("allow: GET, HEAD, OPTIONS\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n"), "no body: {answer}");
    // kubelet's.
    let kubelet = "GET /z/health/liveness HTTP/1.1\r\nHost: 10.0.0.7:8080\r\nUser-Agent: kube-probe/1.37\r\nAccept: */*\r\nConnection: close\r\n\r\n";
    let answer = exchange(address, kubelet).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n{\"status\":\"UP\"}"), "{answer}");
    // Nagios'.
    let answer = exchange(address, "GET /z/health/ HTTP/1.0\r\nConnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.0 200 OK\r\n"), "{answer}");
    // A HEAD has the length of the GET's body, and no body.
    let head = "HEAD /z/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let answer = exchange(address, head).await;
    assert!(answer.contains("content-length: 51\r\n"), "{answer}");
    assert_eq!(answer.matches("content-length").count(), 1, "{answer}");
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn paths_that_are_not_ours_stay_so() {
    let address = serve(one_check()).await;
    for path in ["//z/health", "/z%2Fhealth", "/z/../z/health", "/z/health/a/b", "/%7A/health"] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let answer = exchange(address, &request).await;
        assert!(answer.starts_with("HTTP/1.1 404 Not Found\r\n"), "{path}: {answer}");
        assert!(!answer.contains("problem+json"), "the host answers, not we: {answer}");
    }
}

#[tokio::test]
async fn raw_bytes_in_a_name_do_no_harm() {
    let address = serve(one_check()).await;
    let long = "x".repeat(10_000);
    for name in ["..", "%FF", "%", "d%2Fb", "\"db\"", "{name}", "db%00", &long] {
        let request =
            format!("GET /z/health/{name} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let answer = exchange(address, &request).await;
        assert!(answer.starts_with("HTTP/1.1 404 Not Found\r\n"), "{name}: {answer}");
    }
}

#[tokio::test]
async fn a_prober_that_hangs_up_ends_no_run() {
    let begun = Arc::new(Semaphore::new(0));
    let go_on = Arc::new(Semaphore::new(0));
    let ended = Arc::new(AtomicUsize::new(0));
    let check = Check::new("db", {
        let (begun, go_on, ended) = (begun.clone(), go_on.clone(), ended.clone());
        move || {
            let (begun, go_on, ended) = (begun.clone(), go_on.clone(), ended.clone());
            async move {
                begun.add_permits(1);
                go_on.acquire().await.unwrap().forget();
                ended.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    let hour = Duration::from_secs(3600);
    let management = Management::builder().check(check.ttl(hour).valid_for(3 * hour));
    let address = serve(management).await;
    let request = "GET /z/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let mut prober = TcpStream::connect(address).await.unwrap();
    prober.write_all(request.as_bytes()).await.unwrap();
    begun.acquire().await.unwrap().forget();
    drop(prober);
    go_on.add_permits(1);
    let answer = exchange(address, request).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert_eq!((ended.load(Ordering::SeqCst), begun.available_permits()), (1, 0), "one run");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_probers_on_real_sockets_cost_one_run() {
    let runs = Arc::new(AtomicUsize::new(0));
    let arrived = Arc::new(Semaphore::new(0));
    let check = Check::new("db", {
        let (runs, arrived) = (runs.clone(), arrived.clone());
        move || {
            runs.fetch_add(1, Ordering::SeqCst);
            let arrived = arrived.clone();
            // Ends when all have sent their request, so that all ask during one run.
            async move { arrived.acquire_many(200).await.unwrap().forget() }
        }
    });
    let hour = Duration::from_secs(3600);
    let address = serve(Management::builder().check(check.ttl(hour).valid_for(3 * hour))).await;
    let probers: Vec<_> = (0..200)
        .map(|_| {
            let arrived = arrived.clone();
            tokio::spawn(async move {
                let mut stream = TcpStream::connect(address).await.unwrap();
                let request = "GET /z/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
                stream.write_all(request.as_bytes()).await.unwrap();
                arrived.add_permits(1);
                let mut answer = String::new();
                stream.read_to_string(&mut answer).await.unwrap();
                answer
            })
        })
        .collect();
    for prober in probers {
        assert!(prober.await.unwrap().starts_with("HTTP/1.1 200 OK\r\n"));
    }
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn liveness_is_answered_while_checks_hang_or_panic() {
    let hanging = (0..64)
        .map(|number| Check::new(format!("hanging {number}"), async || pending::<()>().await));
    let panicking = Check::new("panicking", || async { panic!("here") as () });
    let builder =
        hanging.fold(Management::builder(), |builder, check| builder.check(check.readiness()));
    let builder = builder.check(panicking.readiness()).probe_budget(Duration::from_millis(50));
    let address = serve(builder).await;
    let request =
        |path: &str| format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let (readiness, liveness) = (request("/z/health/readiness"), request("/z/health/liveness"));
    let (readiness, liveness) =
        tokio::join!(exchange(address, &readiness), exchange(address, &liveness));
    assert!(readiness.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{readiness}");
    assert!(liveness.starts_with("HTTP/1.1 200 OK\r\n"), "{liveness}");
}

/// A worker of tokio's wakes no other one for the task that it spawned last. If that blocks, the
/// others could sleep for ever, and nobody would look for events.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_async_check_that_blocks_its_thread_leaves_the_others_awake() {
    let begun = Arc::new(Semaphore::new(0));
    let (release, blocked) = std::sync::mpsc::channel::<()>();
    let blocked = Arc::new(std::sync::Mutex::new(blocked));
    let begins = Arc::clone(&begun);
    let check = Check::new("blocking", move || {
        let (begins, blocked) = (Arc::clone(&begins), Arc::clone(&blocked));
        async move {
            begins.add_permits(1);
            blocked.lock().unwrap().recv().is_ok()
        }
    });
    let address = serve(Management::builder().check(check)).await;
    // Probers on threads of their own, so that nothing but the server is left to this runtime.
    let prober = |path: &str| {
        use std::io::Write as _;
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        std::thread::spawn(move || {
            let mut stream = std::net::TcpStream::connect(address)?;
            stream.set_read_timeout(Some(Duration::from_secs(3)))?;
            stream.write_all(request.as_bytes())?;
            std::io::read_to_string(stream)
        })
    };
    let alive = || prober("/z/health/liveness").join().unwrap();
    for _ in 0..20 {
        alive().expect("liveness is answered");
    }
    let health = prober("/z/health");
    begun.acquire().await.unwrap().forget();
    // The first ones may find a worker that has not fallen asleep yet.
    let liveness: Vec<_> = (0..5).map(|_| alive()).collect();
    release.send(()).unwrap();
    for answer in liveness {
        let answer = answer.expect("liveness is answered");
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    }
    assert!(health.join().unwrap().unwrap().starts_with("HTTP/1.1 200 OK\r\n"));
}
