//! The probe for containers without curl.

use std::future::pending;

use management_axum::probe;
use support::{Peer, Program, answer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::{Duration, Instant, sleep};

/// Probes this URL, and tells what is said of it.
async fn said(url: &str) -> (bool, String) {
    let probed = probe(url).await;
    let line = probed.to_string();
    let (verdict, rest) = line.split_once(": ").expect(&line);
    assert_eq!(verdict == "healthy", probed.is_healthy(), "{line}");
    assert!(probed.is_healthy() || verdict == "unhealthy", "{line}");
    assert!(!line.contains(char::is_control), "{line:?}");
    let why = rest.strip_prefix(&format!("{url}: "));
    (probed.is_healthy(), why.unwrap_or(rest).to_owned())
}

fn url(peer: &Peer) -> String {
    format!("http://{}/z/health/liveness", peer.address)
}

/// What is said of a peer that says this.
async fn said_of(talk: impl Into<Vec<u8>>) -> (bool, String) {
    said(&url(&Peer::saying(talk).await)).await
}

#[track_caller]
fn is(said: (bool, String), is_healthy: bool, why: &str) {
    assert_eq!((said.0, &*said.1), (is_healthy, why));
}

#[tokio::test]
async fn an_answer_passes_if_it_is_a_success() {
    let up = r#"{"status":"UP"}"#;
    is(said_of(answer(200, "application/json", up)).await, true, r#"200 {"status":"UP"}"#);
    is(said_of(answer(204, "text/plain", "")).await, true, "204");
    let down = r#"{"status":"DOWN"}"#;
    is(said_of(answer(503, "application/json", down)).await, false, r#"503 {"status":"DOWN"}"#);
    is(said_of(answer(404, "text/plain", "")).await, false, "404");
    let elsewhere = "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n";
    is(said_of(elsewhere).await, false, "302");
}

#[tokio::test]
async fn it_asks_as_others_do() {
    let peer = Peer::up().await;
    let url = format!("http://{}/z/health/readiness?exclude=db", peer.address);
    assert!(probe(&url).await.is_healthy());
    assert_eq!(peer.targets(), ["GET /z/health/readiness?exclude=db"]);
    assert_eq!(peer.header("host"), Some(peer.address.to_string()));
    assert_eq!(peer.header("connection").as_deref(), Some("close"));
    assert!(peer.header("user-agent").unwrap().starts_with("management-axum/"));
    // No path is the root, and a name may have an address at which nobody listens.
    let peer = Peer::up().await;
    assert!(probe(format!("http://localhost:{}", peer.address.port())).await.is_healthy());
    assert_eq!(peer.targets(), ["GET /"]);
}

#[tokio::test]
async fn each_shape_of_an_answer_is_read() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    is(said_of(format!("{head}3\r\nall\r\n6\r\n right\r\n0\r\n\r\n")).await, true, "200 all right");
    is(said_of("HTTP/1.0 200 OK\r\n\r\nall right").await, true, "200 all right");
    let early = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nup";
    is(said_of(early).await, true, "200 up");
    // One line, whatever is in it.
    let lines = answer(200, "text/plain", "db ok\r\n\n cache\tok \u{1b}[31m\u{7}\u{85}\0\u{ff}\n");
    is(said_of(lines).await, true, "200 db ok cache ok [31m ÿ");
    is(said_of(answer(200, "text/plain", b"\xff")).await, true, "200 \u{fffd}");
    // The code has come, and the rest has not.
    let cut = "HTTP/1.1 503 Told\r\nContent-Length: 20\r\n\r\nhalf";
    is(said_of(cut).await, false, "503");
}

#[tokio::test]
async fn a_body_without_end_is_not_read_to_its_end() {
    let endless = Peer::with(async |mut stream| {
        let sent = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        if sent.is_ok() {
            while stream.write_all(&[b'x'; 1024]).await.is_ok() {}
        }
    });
    is(said(&url(&endless.await)).await, true, "200");
}

#[tokio::test]
async fn what_is_no_answer_fails() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (is_healthy, why) = said(&format!("http://{free}/z/health")).await;
    assert!(!is_healthy && why.starts_with("no connection: Connection refused"), "{why}");
    for talk in ["", "SSH-2.0-OpenSSH_10.0\r\n", "HTTP/1.1 200", "HTTP/1.1 2000 OK\r\n\r\n", "\0\0"]
    {
        let (is_healthy, why) = said_of(talk).await;
        assert!(!is_healthy && why.starts_with("no answer: "), "{talk:?}: {why}");
    }
}

// The clock stands still until everything waits, so that what takes a second is all that takes time.
#[tokio::test(start_paused = true)]
async fn an_answer_that_is_late_fails() {
    let never_accepts = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = Peer::with(|stream| async move {
        pending::<()>().await;
        drop(stream);
    });
    let trickling = Peer::with(async |mut stream| {
        let mut sent = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        while sent.is_ok() {
            sleep(Duration::from_millis(100)).await;
            sent = stream.write_all(b"x").await;
        }
    });
    let urls = [
        format!("http://{}/", never_accepts.local_addr().unwrap()),
        url(&silent.await),
        url(&trickling.await),
    ];
    for url in urls {
        let begun = Instant::now();
        is(said(&url).await, false, "no answer within 1s");
        assert_eq!(begun.elapsed().as_millis() / 100, 10, "{:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn an_address_of_ipv6_is_asked() {
    let Ok(listener) = TcpListener::bind("[::1]:0").await else {
        println!("this machine has no IPv6");
        return;
    };
    let address = listener.local_addr().unwrap();
    let answering = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        stream.write_all(&answer(200, "text/plain", "six")).await.unwrap();
    });
    is(said(&format!("http://{address}/")).await, true, "200 six");
    answering.await.unwrap();
}

#[tokio::test]
async fn a_url_that_cannot_be_asked_is_told_so() {
    let https = said("https://127.0.0.1:8080/").await;
    is(https, false, "the URL does not begin with `http://`");
    for url in ["127.0.0.1:8080", "/z/health", "localhost", "ftp://127.0.0.1/"] {
        is(said(url).await, false, "the URL does not begin with `http://`");
    }
    for url in ["", "http://", "http://a b/", "http://[::1/", "http://x/\r\n"] {
        let (is_healthy, why) = said(url).await;
        assert!(!is_healthy && why.contains("this is not a URL: "), "{url:?}: {why}");
    }
}

#[tokio::test]
async fn user_information_is_printed_nowhere() {
    for url in [
        "http://admin:hunter2@127.0.0.1:1/",
        "http://hunter2@127.0.0.1:1/",
        "https://admin:hunter2@127.0.0.1:1/",
        "http://admin:hun ter2@127.0.0.1:1/",
        "http://admin:hun/ter2@127.0.0.1:1/",
        "http://admin:hun@ter2@127.0.0.1:1/",
        "admin:hunter2@127.0.0.1:1",
    ] {
        let probed = probe(url).await;
        assert!(!probed.is_healthy());
        for printed in [probed.to_string(), format!("{probed:?}")] {
            assert!(!printed.contains("admin") && !printed.contains("ter2"), "{printed}");
            assert!(printed.contains("@127.0.0.1:1"), "{printed}");
        }
    }
}

#[tokio::test]
async fn a_health_check_of_a_container() {
    let healthcheck = async |peer: &Peer| {
        let listen = format!("0.0.0.0:{}", peer.address.port());
        Program::deployed(&["healthcheck"]).env("MANAGEMENT_LISTEN", listen).run().await
    };
    let peer = Peer::up().await;
    let up = healthcheck(&peer).await;
    assert_eq!(peer.targets(), ["GET /z/health/liveness"]);
    let line = format!("healthy: {}: 200 {{\"status\":\"UP\"}}\n", url(&peer));
    let told = (String::from_utf8(up.stdout).unwrap(), String::from_utf8(up.stderr).unwrap());
    assert_eq!((up.status.code(), told), (Some(0), (line, String::new())));

    let peer = Peer::saying(answer(503, "application/json", r#"{"status":"DOWN"}"#)).await;
    let down = healthcheck(&peer).await;
    let line = format!("unhealthy: {}: 503 {{\"status\":\"DOWN\"}}\n", url(&peer));
    let told = (String::from_utf8(down.stdout).unwrap(), String::from_utf8(down.stderr).unwrap());
    assert_eq!((down.status.code(), told), (Some(1), (String::new(), line)));
}
