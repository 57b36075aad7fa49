//! The endpoints on a port of their own.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request};
use axum::routing::get;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use management_axum::{Builder, Check, Listening, Management, listen, run};
use support::{Answer, Lines, PATIENCE, fetch};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, lookup_host};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

const UP: (u16, &str) = (200, r#"{"status":"UP"}"#);
const OUT_OF_SERVICE: (u16, &str) = (503, r#"{"status":"OUT_OF_SERVICE"}"#);

fn built(set: impl FnOnce(Builder) -> Builder) -> Management {
    set(Management::builder().check(Check::new("db", async || ()).readiness())).build().unwrap()
}

#[track_caller]
fn says(answer: &Answer, expected: (u16, &str)) {
    assert_eq!((answer.status.as_u16(), &*answer.body), expected);
}

/// A connection that the client keeps.
struct Kept(http1::SendRequest<Body>);

impl Kept {
    async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Kept(sender)
    }

    async fn ask(&mut self, path: &str) -> Answer {
        self.0.ready().await.expect("the connection is there");
        let request = Request::get(path).header("host", "x").body(Body::empty()).unwrap();
        let answer = timeout(PATIENCE, self.0.send_request(request)).await.unwrap().unwrap();
        Answer::read(answer.map(Body::new)).await
    }
}

/// Waits until nobody listens there.
async fn is_refused(address: SocketAddr) {
    let refused = async {
        while let Ok(stream) = TcpStream::connect(address).await {
            drop(stream);
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(PATIENCE, refused).await.expect("it is closed");
}

#[tokio::test]
async fn where_it_listens_is_told() {
    let lines = Lines::default();
    let management = built(|builder| builder.prefix("/admin"));
    let guard = lines.capture();
    let listening = listen(&management, "127.0.0.1:0").await.unwrap();
    drop(guard);
    let address = listening.local_addr();
    assert_ne!(address.port(), 0);
    let told = format!("INFO the endpoints listen at http://{address}/admin/health");
    assert!(lines.take().contains(&told), "{told}");
    says(&fetch(address, "/admin/health/readiness", "").await, UP);
}

#[tokio::test]
async fn an_address_in_use_is_an_error_that_helps() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let error = listen(&built(|builder| builder), &*address).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
    let told = error.to_string();
    assert!(told.starts_with(&format!("the endpoints cannot listen at \"{address}\": ")), "{told}");
    assert!(told.contains("in use") && told.contains("port 0 for any"), "{told}");

    // `run` says so, too, and serves nothing.
    let management = built(|builder| builder.listen(&address));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let application = listener.local_addr().unwrap();
    let error = run(&management, listener, Router::<()>::new()).await.unwrap_err();
    assert!(error.to_string().contains(&address), "{error}");
    is_refused(application).await;
}

#[tokio::test]
async fn each_version_of_http_is_answered() {
    let listening = listen(&built(|builder| builder), "127.0.0.1:0").await.unwrap();
    let address = listening.local_addr();

    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /z/health/readiness HTTP/1.0\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.0 200 OK\r\n") && answer.ends_with(UP.1), "{answer}");

    let mut kept = Kept::connect(address).await;
    for _ in 0..3 {
        let answer = kept.ask("/z/health/readiness").await;
        says(&answer, UP);
        assert_eq!(answer.header("connection"), None);
    }

    let stream = TcpStream::connect(address).await.unwrap();
    let handshake = http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    for method in [Method::GET, Method::OPTIONS, Method::HEAD] {
        let url = format!("http://{address}/z/health/readiness");
        let request = Request::builder().method(&method).uri(url).body(Body::empty()).unwrap();
        let answer = timeout(PATIENCE, sender.send_request(request)).await.unwrap().unwrap();
        let body = if method == Method::GET { UP.1 } else { "" };
        says(&Answer::read(answer.map(Body::new)).await, (200, body));
    }
}

/// The whole life, with the endpoints on one port and the application on the other.
#[tokio::test]
async fn beside_an_application_and_through_its_drain() {
    let lines = Lines::default();
    let _guard = lines.capture();
    let management = built(|builder| {
        builder.listen("127.0.0.1:0").drain_delay(PATIENCE).drain_timeout(PATIENCE)
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let application = listener.local_addr().unwrap();
    let app: Router = Router::new().route("/orders", get(async || "orders"));
    let running = tokio::spawn(run(&management, listener, app));
    says(&fetch(application, "/orders", "").await, (200, "orders"));
    let lines = lines.take();
    let told =
        lines.iter().find_map(|line| line.strip_prefix("INFO the endpoints listen at http://"));
    let endpoints = told.unwrap().strip_suffix("/z/health").unwrap().parse().unwrap();

    assert_eq!(fetch(application, "/z/health", "").await.status, 404);
    assert_eq!(fetch(endpoints, "/", "").await.status, 404);
    assert_eq!(fetch(endpoints, "/orders", "").await.status, 404);
    let mut kept = Kept::connect(endpoints).await;
    says(&kept.ask("/z/health/readiness").await, UP);

    let availability = management.availability();
    availability.drain("the test");
    let answer = kept.ask("/z/health/readiness").await;
    says(&answer, OUT_OF_SERVICE);
    assert_eq!(answer.header("connection"), Some("close"));
    let answer = Kept::connect(endpoints).await.ask("/z/health/liveness").await;
    says(&answer, UP);
    assert_eq!(answer.header("connection"), Some("close"));
    says(&fetch(application, "/orders", "").await, (200, "orders"));

    availability.stop("the test");
    let drained = timeout(PATIENCE, running).await.unwrap().unwrap().unwrap();
    assert_eq!((&*drained.reason, drained.cut), ("the test", 0));
    is_refused(application).await;
    is_refused(endpoints).await;
}

#[tokio::test]
async fn silent_clients_do_not_keep_a_probe_out() {
    let listening = listen(&built(|builder| builder), "127.0.0.1:0").await.unwrap();
    let address = listening.local_addr();
    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    let begun = Instant::now();
    says(&fetch(address, "/z/health/readiness", "").await, UP);
    // Far less than the 10 s that each of them may be silent.
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());

    // 256 with the one that has asked, whose place none of them gets back.
    let is_open = |stream: &TcpStream| matches!(stream.try_read(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock);
    let settled = async {
        while silent.iter().filter(|stream| is_open(stream)).count() > 255 {
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(PATIENCE, settled).await.expect("most of them are left");
    let open: Vec<_> = silent.iter().map(is_open).collect();
    let expected: Vec<_> = (0..300).map(|at| at >= 45).collect();
    assert_eq!(open, expected, "those that have been silent the longest are left");
}

#[tokio::test]
async fn clients_that_trickle_or_never_read_hold_up_nobody() {
    let listening = listen(&built(|builder| builder), "127.0.0.1:0").await.unwrap();
    let address = listening.local_addr();
    let request = b"GET /z/health HTTP/1.1\r\nHost: x\r\n\r\n";
    let many = request.repeat(100);
    let mut trickling = TcpStream::connect(address).await.unwrap();
    let never_reads = TcpStream::connect(address).await.unwrap();
    for byte in &request[..request.len() - 1] {
        trickling.write_all(&[*byte]).await.unwrap();
        // As much as both sides take, until neither reads nor writes any more.
        while never_reads.try_write(&many).is_ok() {}
        says(&fetch(address, "/z/health/readiness", "").await, UP);
    }
    // Slow is not wrong.
    trickling.write_all(b"\n").await.unwrap();
    let mut start = [0; 15];
    timeout(PATIENCE, trickling.read_exact(&mut start)).await.unwrap().unwrap();
    assert_eq!(&start, b"HTTP/1.1 200 OK");
}

/// A listener, what one client of it hears until it is disconnected, and what its answer waits for.
async fn with_a_request_in_flight() -> (Listening, JoinHandle<String>, Arc<Semaphore>) {
    let (permits, asked) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (waits, tells) = (Arc::clone(&permits), Arc::clone(&asked));
    let slow = Check::new("slow", move || {
        let (waits, tells) = (Arc::clone(&waits), Arc::clone(&tells));
        async move {
            tells.add_permits(1);
            waits.acquire().await.is_ok()
        }
    });
    let slow = slow.timeout(2 * PATIENCE);
    let management = built(|builder| builder.check(slow).health_budget(2 * PATIENCE));
    let listening = listen(&management, "127.0.0.1:0").await.unwrap();
    let address = listening.local_addr();
    let hearing = tokio::spawn(async move {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /z/health/slow HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    });
    drop(timeout(PATIENCE, asked.acquire()).await.expect("it has been asked").unwrap());
    (listening, hearing, permits)
}

#[tokio::test]
async fn a_probe_in_flight_is_answered_when_it_closes() {
    let (listening, hearing, permits) = with_a_request_in_flight().await;
    let address = listening.local_addr();
    let closing = tokio::spawn(listening.close());
    is_refused(address).await;
    assert!(!closing.is_finished() && !hearing.is_finished());
    permits.add_permits(1);
    let answer = timeout(PATIENCE, hearing).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with(UP.1), "{answer}");
    assert!(answer.contains("connection: close\r\n"), "{answer}");
    timeout(PATIENCE, closing).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_probe_that_never_ends_does_not_keep_it_open() {
    let (listening, hearing, _permits) = with_a_request_in_flight().await;
    timeout(PATIENCE, listening.close()).await.expect("it closes");
    assert_eq!(timeout(PATIENCE, hearing).await.unwrap().unwrap(), "");
}

#[tokio::test]
async fn it_is_open_until_it_is_closed() {
    let management = built(|builder| builder);
    let listening = listen(&management, "127.0.0.1:0").await.unwrap();
    let address = listening.local_addr();
    let mut kept = Kept::connect(address).await;
    says(&kept.ask("/z/health/readiness").await, UP);
    listening.close().await;
    assert!(TcpStream::connect(address).await.is_err());
    let left = async {
        while !kept.0.is_closed() {
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(PATIENCE, left).await.expect("it keeps no connection");
    // The same address can be listened at again.
    let again = listen(&management, address).await.unwrap();
    drop(again);
    for _ in 0..3 {
        says(&fetch(address, "/z/health/readiness", "").await, UP);
    }
}

/// What clients make the endpoints keep has to be little, since anybody may ask them.
#[tokio::test]
async fn a_head_beyond_measure_is_refused() {
    let listening = listen(&built(|builder| builder), "127.0.0.1:0").await.unwrap();
    for (length, code) in [(4 * 1024, 200), (32 * 1024, 431)] {
        let header = format!("x: {}\r\n", "x".repeat(length));
        let answer = fetch(listening.local_addr(), "/z/health/liveness", &header).await;
        assert_eq!(answer.status, code, "{length}");
    }
    listening.close().await;
}

/// What is asked of each address of a listener.
async fn answers_at_all(listening: &Listening) {
    for &address in listening.local_addrs() {
        says(&fetch(address, "/z/health/readiness", "").await, UP);
    }
}

#[tokio::test]
async fn a_name_is_listened_at_with_all_its_addresses() {
    let lines = Lines::default();
    let guard = lines.capture();
    let mut names: Vec<SocketAddr> = lookup_host("localhost:0").await.unwrap().collect();
    let listening = listen(&built(|builder| builder), "localhost:0").await.unwrap();
    drop(guard);
    let port = listening.local_addr().port();
    assert_ne!(port, 0);
    names.sort();
    names.dedup();
    names.iter_mut().for_each(|address| address.set_port(port));
    let mut addresses = listening.local_addrs().to_vec();
    addresses.sort();
    let lines = lines.take();
    let is_off = |address: &SocketAddr| {
        lines.iter().any(|line| {
            line.starts_with(&format!("INFO the endpoints do not listen at [{}]:", address.ip()))
        })
    };
    names.retain(|address| !is_off(address));
    assert_eq!(addresses, names);
    answers_at_all(&listening).await;
    listening.close().await;
}

#[tokio::test]
async fn several_addresses_have_one_port() {
    let lines = Lines::default();
    let guard = lines.capture();
    let mut all: Vec<SocketAddr> =
        ["127.0.0.1:0", "127.0.0.2:0"].map(|one| one.parse().unwrap()).into();
    // Not every machine has it.
    let version_6 = std::net::TcpListener::bind("[::1]:0");
    all.extend(version_6.map(|_| "[::1]:0".parse::<SocketAddr>().unwrap()));
    let listening = listen(&built(|builder| builder), &all[..]).await.unwrap();
    drop(guard);
    let port = listening.local_addr().port();
    let expected: Vec<_> = all.iter().map(|one| SocketAddr::new(one.ip(), port)).collect();
    assert_eq!(listening.local_addrs(), expected);
    let lines = lines.take();
    for address in expected {
        let told = format!("INFO the endpoints listen at http://{address}/z/health");
        assert!(lines.contains(&told), "{lines:?}");
    }
    answers_at_all(&listening).await;
    let addresses = listening.local_addrs().to_vec();
    listening.close().await;
    for address in addresses {
        is_refused(address).await;
    }
}

#[tokio::test]
async fn an_address_that_is_not_here_is_left_out_and_one_in_use_is_not() {
    // TEST-NET-1, which no machine has.
    let absent: SocketAddr = "192.0.2.1:0".parse().unwrap();
    let lines = Lines::default();
    let guard = lines.capture();
    let both = [absent, "127.0.0.1:0".parse().unwrap()];
    let listening = listen(&built(|builder| builder), &both[..]).await.unwrap();
    drop(guard);
    assert_eq!(listening.local_addrs().len(), 1);
    let left_out = "INFO the endpoints do not listen at 192.0.2.1:0: ";
    assert!(lines.take().iter().any(|line| line.starts_with(left_out)));
    answers_at_all(&listening).await;
    let error = listen(&built(|builder| builder), &[absent, absent][..]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrNotAvailable);

    let port = listening.local_addr().port();
    let taken: Vec<SocketAddr> =
        ["127.0.0.2", "127.0.0.1"].map(|ip| format!("{ip}:{port}").parse().unwrap()).into();
    let error = listen(&built(|builder| builder), &taken[..]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
    assert!(error.to_string().contains(&format!(": 127.0.0.1:{port}: ")), "{error}");
    listening.close().await;
}

#[tokio::test]
async fn every_kind_of_address_is_taken() {
    let management = built(|builder| builder);
    let ip = IpAddr::from([127, 0, 0, 1]);
    for listening in [
        listen(&management, ("localhost", 0)).await.unwrap(),
        listen(&management, (String::from("127.0.0.1"), 0)).await.unwrap(),
        listen(&management, (ip, 0)).await.unwrap(),
        listen(&management, String::from("127.0.0.1:0")).await.unwrap(),
        listen(&management, &String::from("127.0.0.1:0")).await.unwrap(),
        listen(&management, SocketAddr::new(ip, 0)).await.unwrap(),
    ] {
        answers_at_all(&listening).await;
        assert_eq!(listening.path(), None);
        listening.close().await;
    }
}
