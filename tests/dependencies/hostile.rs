//! Peers that are broken, overloaded or hostile. Each is down, the log says why, and nothing else is
//! touched by it: [`ask`] looks at that.

use std::future::pending;
use std::io;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpSocket;
use tokio::time::sleep;

use super::{Connection, PATIENCE, Peer, answer, ask, ask_for, is_down, json};

/// How long those are waited for that never come to an end.
const SHORT: Duration = Duration::from_secs(1);

/// Between two bytes of a peer that drips.
const DRIP: Duration = Duration::from_millis(10);

/// Asks a peer whose answer never ends.
async fn is_late<Fut>(serve: impl Fn(Connection) -> Fut + Send + 'static)
where
    Fut: Future<Output = io::Result<()>> + Send + 'static,
{
    let asked = ask(&Peer::new(serve).await.url(), SHORT).await;
    is_down(&asked, "timed out after 1s");
    assert_eq!(asked.component["durationMs"], 1000, "as long as it was given: {asked:?}");
}

#[tokio::test]
async fn nothing_is_sent() {
    is_late(async |_connection| pending().await).await;
}

#[tokio::test]
async fn a_head_that_breaks_off_then_silence() {
    is_late(async |mut connection: Connection| {
        connection.request().await?;
        connection.stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-ty").await?;
        pending().await
    })
    .await;
}

#[tokio::test]
async fn headers_then_silence() {
    is_late(async |mut connection: Connection| {
        connection.request().await?;
        let head =
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 15\r\n\r\n";
        connection.stream.write_all(head.as_bytes()).await?;
        pending().await
    })
    .await;
}

#[tokio::test]
async fn a_body_that_lacks_its_last_byte() {
    is_late(async |mut connection: Connection| {
        connection.request().await?;
        let answer = json(r#"{"status":"UP"}"#);
        connection.stream.write_all(&answer[..answer.len() - 1]).await?;
        pending().await
    })
    .await;
}

/// Sends a beginning at once, and what comes then byte by byte, for ever.
async fn drips(beginning: &'static str, then: &'static str) {
    is_late(move |mut connection: Connection| async move {
        connection.request().await?;
        connection.stream.write_all(beginning.as_bytes()).await?;
        for byte in then.bytes().cycle() {
            connection.stream.write_u8(byte).await?;
            sleep(DRIP).await;
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_head_byte_by_byte() {
    drips("HTTP/1.1 200 OK\r\nx: ", "x").await;
}

#[tokio::test]
async fn a_body_byte_by_byte() {
    drips("HTTP/1.1 200 OK\r\ncontent-length: 65536\r\n\r\n", " ").await;
}

#[tokio::test]
async fn chunks_of_one_byte() {
    drips("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "1\r\n \r\n").await;
}

#[tokio::test]
async fn early_hints_for_ever() {
    drips("", "HTTP/1.1 103 Early Hints\r\n\r\n").await;
}

#[tokio::test]
async fn a_server_that_says_nothing_of_tls() {
    let peer = Peer::new(async |_connection| pending().await).await;
    let asked = ask(&peer.url().replace("http:", "https:"), SHORT).await;
    is_down(&asked, "timed out while looking up its name or connecting to it");
}

#[tokio::test]
async fn a_failure_whose_body_is_late_is_told_by_its_code() {
    let peer = Peer::new(async |mut connection: Connection| {
        connection.request().await?;
        let head = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 15\r\n\r\n";
        connection.stream.write_all(head).await?;
        pending().await
    });
    is_down(&ask(&peer.await.url(), PATIENCE).await, "answered 503");
}

#[tokio::test]
async fn tls_garbage() {
    for garbage in ["HTTP/1.1 400 Bad Request\r\n\r\n", "\u{16}\u{3}\u{1}\0\u{1}\0", "\0"] {
        let peer = Peer::new(move |mut connection: Connection| async move {
            connection.stream.write_all(garbage.repeat(100).as_bytes()).await?;
            connection.stream.shutdown().await?;
            // To close with something unread is a reset, and might overtake the garbage.
            drain(&mut connection).await
        })
        .await;
        let asked = ask(&peer.url().replace("http:", "https:"), PATIENCE).await;
        assert_eq!(asked.status, "DOWN");
        assert!(asked.why.starts_with("cannot connect: received "), "{}", asked.why);
    }
}

async fn drain(connection: &mut Connection) -> io::Result<()> {
    tokio::io::copy(&mut connection.stream, &mut tokio::io::sink()).await.map(drop)
}

#[tokio::test]
async fn nobody_listens() {
    // Bound, so that nobody else gets the port meanwhile.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}/health", socket.local_addr().unwrap());
    let asked = ask(&url, PATIENCE).await;
    assert_eq!(asked.status, "DOWN");
    assert!(asked.why.starts_with("cannot connect: Connection refused"), "{}", asked.why);
}

#[tokio::test]
async fn a_host_that_nobody_knows() {
    // No label is this long, so that the resolver need not ask any name server.
    let asked = ask(&format!("http://{}/health", "x".repeat(64)), PATIENCE).await;
    assert_eq!(asked.status, "DOWN");
    assert!(asked.why.starts_with("cannot connect: failed to lookup address"), "{}", asked.why);
}

#[tokio::test]
async fn a_reset() {
    let peer = Peer::new(async |mut connection: Connection| {
        connection.request().await?;
        connection.stream.set_zero_linger()
    })
    .await;
    let asked = ask(&peer.url(), PATIENCE).await;
    assert_eq!(asked.status, "DOWN");
    assert!(asked.why.starts_with("no valid answer: Connection reset"), "{}", asked.why);
}

#[tokio::test]
async fn a_reset_in_the_body() {
    let peer = Peer::new(async |mut connection: Connection| {
        connection.request().await?;
        let answer = json(r#"{"status":"UP"}"#);
        connection.stream.write_all(&answer[..answer.len() - 1]).await?;
        // What was written has to arrive first.
        sleep(Duration::from_millis(50)).await;
        connection.stream.set_zero_linger()
    })
    .await;
    let asked = ask(&peer.url(), PATIENCE).await;
    assert_eq!(asked.status, "DOWN");
    assert!(asked.why.contains("Connection reset"), "{}", asked.why);
}

#[tokio::test]
async fn the_connection_is_closed_before_an_answer() {
    is_down(&ask_for("").await, "no valid answer: connection closed before message completed");
}

#[tokio::test]
async fn the_connection_is_closed_in_the_body() {
    let mut short = json(r#"{"status":"UP"}"#);
    short.pop();
    let why =
        "its answer is incomplete or cannot be decoded: end of file before message length reached";
    is_down(&ask_for(short).await, why);
    let chunked =
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nf\r\n{\"status\":\"UP\"}\r\n";
    let why =
        "its answer is incomplete or cannot be decoded: unexpected EOF during chunk size line";
    is_down(&ask_for(chunked).await, why);
}

#[tokio::test]
async fn no_http() {
    for garbage in [
        &b"{\"status\":\"UP\"}"[..],
        b"<html>UP</html>\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno header\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        b"\0\0\0\x12\x04\0\0\0\0\0",
        &[0xff; 1000],
    ] {
        let peer = Peer::closing(garbage).await;
        let asked = ask(&peer.url(), PATIENCE).await;
        assert_eq!(asked.status, "DOWN", "{asked:?}");
        assert!(asked.why.starts_with("no valid answer: "), "{}", asked.why);
        // Once for each of the two answers that `ask` compares.
        assert_eq!(peer.requests().len(), 2, "what is no answer is not asked for again");
    }
}

#[tokio::test]
async fn a_chunk_of_no_length() {
    for chunks in ["zz\r\n", "fffffffffffffffff\r\n", "-1\r\n"] {
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        let asked = ask_for(format!("{head}{chunks}")).await;
        assert_eq!(asked.status, "DOWN", "{asked:?}");
        let why = "its answer is incomplete or cannot be decoded: ";
        assert!(asked.why.starts_with(why), "{}", asked.why);
    }
}

#[tokio::test]
async fn a_huge_head() {
    for head in [
        format!("x: {}\r\n", "x".repeat(2_000_000)),
        (0..20_000).map(|number| format!("x-{number}: 1\r\n")).collect(),
    ] {
        let asked = ask_for(answer("200 OK", &head, r#"{"status":"UP"}"#)).await;
        assert_eq!(asked.status, "DOWN", "{asked:?}");
        assert!(asked.why.starts_with("no valid answer: "), "{}", asked.why);
    }
}

#[tokio::test]
async fn redirects() {
    let target = Peer::up().await;
    let to_target = format!("location: {}\r\n", target.url());
    for code in [301, 302, 303, 307, 308] {
        for location in ["location: /health\r\n", &to_target] {
            let up = answer(&format!("{code} Elsewhere"), location, r#"{"status":"UP"}"#);
            let peer = Peer::closing(up).await;
            let why = format!(
                "answered {code}, but redirects are not followed: configure the URL to which it redirects"
            );
            is_down(&ask(&peer.url(), PATIENCE).await, &why);
            assert_eq!(peer.requests().len(), 2, "one for each of the two that asked");
        }
    }
    assert_eq!(target.connections(), 0);
}

#[tokio::test]
async fn other_codes_than_200() {
    for (code, body, why) in [
        ("503 Service Unavailable", r#"{"status":"UP"}"#, "answered 503 with status UP"),
        ("503 Service Unavailable", r#"{"status":"DOWN"}"#, "answered 503 with status DOWN"),
        ("503 Service Unavailable", "<h1>busy</h1>", "answered 503"),
        ("500 Internal Server Error", "", "answered 500"),
        ("404 Not Found", "Not found", "answered 404"),
        ("401 Unauthorized", r#"{"status":"UP"}"#, "answered 401 with status UP"),
        ("201 Created", r#"{"status":"UP"}"#, "answered 201 with status UP"),
        ("206 Partial Content", r#"{"status":"UP"}"#, "answered 206 with status UP"),
        ("999 What", "ok", "answered 999 with status ok"),
    ] {
        is_down(&ask_for(answer(code, "", body)).await, why);
    }
    is_down(&ask_for("HTTP/1.1 204 No Content\r\n\r\n").await, "answered 204");
    is_down(&ask_for("HTTP/1.1 205 Reset Content\r\n\r\n").await, "answered 205");
    is_down(&ask_for("HTTP/1.1 304 Not Modified\r\n\r\n").await, "answered 304");
    is_down(&ask_for(answer("301 Moved", "", "")).await, "answered 301");
    let upgrade = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n";
    is_down(&ask_for(upgrade).await, "answered 101");
}

/// The code tells more than what is wrong with the body.
#[tokio::test]
async fn other_codes_than_200_with_a_body_that_cannot_be_read() {
    let code = "502 Bad Gateway";
    is_down(&ask_for(answer(code, "", "x".repeat(100_000))).await, "answered 502");
    is_down(&ask_for(answer(code, "content-encoding: br\r\n", "x")).await, "answered 502");
    is_down(&ask_for(answer(code, "content-encoding: gzip\r\n", "x")).await, "answered 502");
    let mut short = answer(code, "", "Bad Gateway");
    short.pop();
    is_down(&ask_for(short).await, "answered 502");
}

#[tokio::test]
async fn a_body_without_end() {
    for head in ["", "transfer-encoding: chunked\r\n", "content-length: 104857600\r\n"] {
        let peer = Peer::new(move |mut connection: Connection| async move {
            connection.request().await?;
            let head = format!("HTTP/1.1 200 OK\r\n{head}\r\n");
            connection.stream.write_all(head.as_bytes()).await?;
            let block = format!("400\r\n{}\r\n", " ".repeat(1024));
            loop {
                connection.stream.write_all(block.as_bytes()).await?;
            }
        })
        .await;
        is_down(&ask(&peer.url(), PATIENCE).await, "its answer is longer than 64 KiB");
    }
}

#[tokio::test]
async fn many_hostile_peers_are_no_slower_than_one() {
    use management_axum::{Dependency, Management};
    let peer = Peer::new(async |_connection| pending().await).await;
    let builder = (0..50).fold(Management::builder().health_budget(PATIENCE), |builder, number| {
        let dependency = Dependency::new(peer.url()).timeout(SHORT);
        builder.service_dependency(format!("silent {number}"), dependency)
    });
    let management = builder.build().unwrap();
    let begun = std::time::Instant::now();
    let report = management.health().await;
    assert_eq!(report.components().len(), 50);
    for component in report.components() {
        assert_eq!(component.health().reason(), Some("timed out after 1s"));
    }
    assert!(begun.elapsed() < 25 * SHORT, "{:?}", begun.elapsed());
}
