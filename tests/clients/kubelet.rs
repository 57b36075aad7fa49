//! kubelet's request, with its deadline.

use std::io;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use management_axum::{Check, Management};

use crate::service::{runtime, serve};

/// The default of `timeoutSeconds`.
const DEADLINE: Duration = Duration::from_secs(1);
const PERIOD: Duration = Duration::from_secs(2);
const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// The code, or `None` if there is no answer within the deadline.
fn probe(address: SocketAddr) -> Option<u16> {
    let until = Instant::now() + DEADLINE;
    let left =
        || Some(until.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero());
    let mut stream = TcpStream::connect_timeout(&address, left()?).ok()?;
    let request = format!(
        "GET /z/health/readiness HTTP/1.1\r\nHost: {address}\r\nUser-Agent: kube-probe/1.31\r\n\
         Accept: */*\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = Vec::new();
    loop {
        stream.set_read_timeout(Some(left()?)).unwrap();
        let mut part = [0; 1024];
        match stream.read(&mut part) {
            Ok(0) => break,
            Ok(read) => answer.extend_from_slice(&part[..read]),
            Err(late) if late.kind() == io::ErrorKind::WouldBlock => return None,
            Err(error) => panic!("{error}"),
        }
    }
    let answer = String::from_utf8(answer).unwrap();
    let code = answer.split(' ').nth(1).expect(&answer).parse().expect(&answer);
    let status = if code == 200 { "UP" } else { "UNKNOWN" };
    assert!(answer.ends_with(&format!("\r\n\r\n{{\"status\":\"{status}\"}}")), "{answer}");
    Some(code)
}

/// The answers to three probes of a service that has just started. `None` if the machine was too busy for one of
/// them.
fn round() -> Option<[Option<u16>; 3]> {
    let runtime = runtime();
    let (service, beside) = runtime.block_on(async {
        let slow = Check::new("slow", || tokio::time::sleep(Duration::from_secs(2))).readiness();
        let management = Management::builder().check(slow).build().unwrap();
        let service = serve(ANY, management_axum::router(&management)).await;
        // As slow as an answer is allowed to be, and nothing else.
        let bare = Router::new().route(
            "/z/health/readiness",
            get(async || {
                tokio::time::sleep(Duration::from_millis(800)).await;
                r#"{"status":"UP"}"#
            }),
        );
        (service, serve(ANY, bare).await)
    });
    let start = Instant::now();
    let answers = [0, 1, 2].map(|number| {
        thread::sleep((start + number * PERIOD).saturating_duration_since(Instant::now()));
        let beside = thread::spawn(move || probe(beside));
        let asked = start.elapsed();
        let answer = probe(service);
        println!("{asked:?}: {answer:?} after {:?}", start.elapsed() - asked);
        (beside.join().unwrap() == Some(200)).then_some(answer)
    });
    let [Some(first), Some(second), Some(third)] = answers else { return None };
    Some([first, second, third])
}

#[test]
fn a_check_of_two_seconds_passes_a_probe_of_one() {
    let answers = (0..5).find_map(|_| round());
    let answers = answers.expect("a bare handler was late in each round: the machine is too busy");
    // Nothing was known at first, and it was said in time; then the last result counts.
    assert_eq!(answers, [Some(503), Some(200), Some(200)]);
}
