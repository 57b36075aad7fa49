//! The limits of the application's own listener.

use axum::body::Bytes;

use super::*;

const MINUTE: Duration = Duration::from_secs(60);

fn start() -> Stoppable {
    let slow = async || {
        sleep(2 * MINUTE).await;
        "hello"
    };
    let large = async || Bytes::from(vec![0; 1 << 20]);
    let stuck = async || pending::<&str>().await;
    let app = app().route("/slow", get(slow)).route("/large", get(large));
    Stoppable::start(app.route("/stuck", get(stuck)), APPLICATION)
}

/// Sends a byte of a head each second until the server closes.
async fn trickles(client: &mut Client) -> u64 {
    let begun = Instant::now();
    while client.stream.write_all(b"G").await.is_ok() {
        sleep(Duration::from_secs(1)).await;
        assert!(begun.elapsed() < PATIENCE, "it is borne with");
    }
    begun.elapsed().as_secs()
}

#[tokio::test(start_paused = true)]
async fn the_first_head_has_half_a_minute() {
    let running = start();
    assert_eq!(running.server.connect().await.borne().await, 30);
    let after = trickles(&mut running.server.connect().await).await;
    assert!((30..=31).contains(&after), "{after}");
}

#[tokio::test(start_paused = true)]
async fn a_later_head_has_half_a_minute_and_may_begin_at_any_time() {
    let running = start();
    let mut client = running.server.connect().await;
    for _ in 0..3 {
        client.ask().await;
        sleep(20 * MINUTE).await;
    }
    let after = trickles(&mut client).await;
    assert!((30..=31).contains(&after), "{after}");
}

/// It comes in one part with the request before it, which is answered.
#[tokio::test(start_paused = true)]
async fn a_head_that_begins_behind_a_request_has_half_a_minute() {
    let running = start();
    for (behind, borne) in [("GET /", 30), ("GET / HTTP/1.1\r\n", 30)] {
        let mut client = running.server.connect_through(4096).await;
        client.stream.write_all(&[REQUEST, behind.as_bytes()].concat()).await.unwrap();
        let begun = Instant::now();
        let mut answer = Vec::new();
        timeout(PATIENCE, client.stream.read_to_end(&mut answer)).await.unwrap().unwrap();
        assert!(answer.ends_with(b"\r\n\r\nhello"), "{behind}");
        assert_eq!(begun.elapsed().as_secs(), borne, "{behind}");
    }
    // A body is none.
    let mut client = running.server.connect_through(4096).await;
    client
        .stream
        .write_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx")
        .await
        .unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(timeout(PATIENCE, client.stream.read_u8()).await.unwrap().unwrap());
    }
    sleep(20 * MINUTE).await;
    client.ask().await;
}

#[tokio::test(start_paused = true)]
async fn requests_may_take_longer() {
    let running = start();
    let mut client = running.server.connect().await;
    client.stream.write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\nhello") {
        answer.push(timeout(3 * MINUTE, client.stream.read_u8()).await.unwrap().unwrap());
    }
    client.ask().await;
}

#[tokio::test(start_paused = true)]
async fn who_asks_nothing_does_not_hold_a_drain() {
    let running = start();
    let mut clients = Vec::new();
    for number in 0..1000 {
        let mut client = running.server.connect_through(64).await;
        if number % 2 == 0 {
            client.stream.write_all(b"GET / HTTP/1.1\r\nHo").await.unwrap();
        }
        clients.push(client);
    }
    let mut trickling = running.server.connect().await;
    let trickling = tokio::spawn(async move { trickles(&mut trickling).await });
    sleep(Duration::from_secs(5)).await;
    let (ended, after) = running.stop().await;
    assert_eq!(ended, Ended { cut: 0, took: Duration::ZERO });
    assert!(after <= 1, "{after}");
    assert!(trickling.await.unwrap() <= 8);
}

/// Nor are they counted where there is no time at all.
#[tokio::test(start_paused = true)]
async fn those_who_ask_are_counted() {
    let running = start();
    let mut clients = Vec::new();
    for request in ["", "GET / HT", "GET /stuck HTTP/1.1\r\nHost: x\r\n\r\n"] {
        let mut client = running.server.connect().await;
        client.stream.write_all(request.as_bytes()).await.unwrap();
        clients.push(client);
    }
    // One that does not take its answer, which has been handed over to its end.
    let mut client = running.server.connect().await;
    client.stream.write_all(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    sleep(TURN).await;
    let (ended, _) = running.stop().await;
    assert_eq!(ended.cut, 2);
    assert_eq!(ended.took, PATIENCE);
}

#[tokio::test(start_paused = true)]
async fn the_drain_lasts_until_the_last_answer() {
    let running = start();
    let mut client = running.server.connect().await;
    client.stream.write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    sleep(MINUTE).await;
    let reading = tokio::spawn(async move {
        let mut answer = Vec::new();
        client.stream.read_to_end(&mut answer).await.map(|_| answer)
    });
    let (ended, _) = running.stop().await;
    assert_eq!((ended.cut, ended.took.as_secs()), (0, 60));
    assert!(reading.await.unwrap().unwrap().ends_with(b"hello"));
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// `GET http://x/` on stream 1.
const HEADERS: &[u8] = b"\0\0\x06\x01\x05\0\0\0\x01\x82\x84\x86\x41\x01x";

/// Reads frames of HTTP/2 until the server closes, and answers its pings for this long.
async fn frames(stream: &mut DuplexStream, answers: Duration) {
    let begun = Instant::now();
    let mut head = [0; 9];
    while stream.read_exact(&mut head).await.is_ok() {
        let [a, b, c, kind, flags, ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        stream.read_exact(&mut payload).await.unwrap();
        if (kind, flags) == (6, 0) && begun.elapsed() < answers {
            stream.write_all(&[b"\0\0\x08\x06\x01\0\0\0\0", &*payload].concat()).await.unwrap();
        }
    }
}

/// As many clients keep a connection of HTTP/2 for hours.
#[tokio::test(start_paused = true)]
async fn over_http2_who_answers_pings_may_be_silent() {
    let running = start();
    let mut client = running.server.connect_through(1024).await;
    client.stream.write_all(PREFACE).await.unwrap();
    client.stream.write_all(HEADERS).await.unwrap();
    let begun = Instant::now();
    timeout(30 * MINUTE, frames(&mut client.stream, 10 * MINUTE)).await.expect("it is closed");
    let after = begun.elapsed().as_secs();
    assert!((600..=660).contains(&after), "{after}");
}

#[tokio::test(start_paused = true)]
async fn over_http2_a_head_has_half_a_minute() {
    let running = start();
    for (asked, bytes) in [(false, &b"PRI * HT"[..]), (false, PREFACE), (true, PREFACE)] {
        let mut client = running.server.connect_through(1024).await;
        client.stream.write_all(bytes).await.unwrap();
        if asked {
            client.stream.write_all(HEADERS).await.unwrap();
            // The next head begins, and says that there is more of it.
            client.stream.write_all(b"\0\0\x01\x01\x01\0\0\0\x03\x82").await.unwrap();
        }
        let begun = Instant::now();
        timeout(PATIENCE, frames(&mut client.stream, Duration::ZERO)).await.expect("it is closed");
        let after = begun.elapsed().as_secs();
        assert!((29..=32).contains(&after), "{asked}: {after}");
    }
}

/// Who does not say that it is there does not hold a drain either.
#[tokio::test(start_paused = true)]
async fn over_http2_who_asks_nothing_does_not_hold_a_drain() {
    let running = start();
    let mut client = running.server.connect_through(1024).await;
    client.stream.write_all(PREFACE).await.unwrap();
    client.stream.write_all(HEADERS).await.unwrap();
    let reading = tokio::spawn(async move { frames(&mut client.stream, Duration::ZERO).await });
    sleep(Duration::from_secs(5)).await;
    let (ended, after) = running.stop().await;
    assert_eq!((ended.cut, after), (0, 1));
    reading.await.unwrap();
}
