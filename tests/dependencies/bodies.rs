//! What is understood of an answer; bodies alone are tested where they are read.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use super::{answer, ask_for, is_down, json as json_answer};

const UP: &str = r#"{"status":"UP"}"#;

fn gzip(body: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn gzipped(body: impl AsRef<[u8]>) -> Vec<u8> {
    answer("200 OK", "content-type: application/json\r\ncontent-encoding: gzip\r\n", body)
}

#[tokio::test]
async fn statuses() {
    for (said, status, why) in [
        ("UP", "UP", ""),
        ("pass", "UP", ""),
        ("DEGRADED", "DEGRADED", "reports status DEGRADED"),
        ("warn", "DEGRADED", "reports status warn"),
        ("OUT_OF_SERVICE", "DOWN", "reports status OUT_OF_SERVICE"),
        ("UNKNOWN", "DOWN", "reports status UNKNOWN"),
        ("DOWN", "DOWN", "reports status DOWN"),
        ("fail", "DOWN", "reports status fail"),
        ("FATAL", "DOWN", "reports status FATAL"),
    ] {
        let asked = ask_for(json_answer(json!({ "status": said }).to_string())).await;
        assert_eq!((&*asked.status, &*asked.why), (status, why), "{said}");
        assert_eq!(asked.plain, json!({ "status": status }), "no reason for everybody");
    }
}

#[tokio::test]
async fn plain_words() {
    for (said, status, why) in [
        ("ok", "UP", ""),
        ("OK\r\n", "UP", ""),
        ("Healthy", "UP", ""),
        ("Degraded", "DEGRADED", "reports status Degraded"),
        ("Unhealthy", "DOWN", "reports status Unhealthy"),
        (
            "maybe\nnot",
            "DOWN",
            "its answer is not a health: it must be JSON, or a word such as `UP`",
        ),
    ] {
        for media_type in ["", "content-type: text/plain; charset=utf-8\r\n"] {
            let asked = ask_for(answer("200 OK", media_type, said)).await;
            assert_eq!((&*asked.status, &*asked.why), (status, why), "{said} {media_type}");
        }
    }
}

#[tokio::test]
async fn components_are_shown_and_details_where_they_may_be() {
    let body = r#"{
        "status": "UP",
        "secret": "hunter2",
        "components": {
            "db": {"status": "UP", "details": {"database": "H2", "url": "jdbc://u:hunter2@h/d"}, "secret": "hunter2"},
            "mail": {"status": "DOWN", "components": {"out": {"status": "fail"}}}
        }
    }"#;
    let asked = ask_for(json_answer(body)).await;
    let plain = json!({
        "status": "UP",
        "components": {
            "db": {"status": "UP"},
            "mail": {"status": "DOWN", "components": {"out": {"status": "DOWN"}}},
        },
    });
    assert_eq!(asked.plain, plain);
    assert_eq!(
        asked.component["components"]["db"],
        json!({"status": "UP", "details": {"database": "H2", "url": "jdbc://***@h/d"}}),
    );
    assert!(!format!("{asked:?}").contains("hunter2"), "{asked:?}");
}

#[tokio::test]
async fn details_are_masked_by_their_keys() {
    let details = json!({
        "password": "hunter2",
        "tokens": ["hunter2"],
        "pin": 1234,
        "auth": {"value": "hunter2", "on": true},
        "dsn": null,
        "said": "Server=db;Password=hunter2;",
        "tenant": "x-tenant-key: hunter3",
    });
    let body =
        json!({"status": "UP", "components": {"token": {"status": "UP", "details": details}}});
    let asked = ask_for(json_answer(body.to_string())).await;
    let shown = json!({
        "password": "***",
        "tokens": ["***"],
        "pin": "***",
        "auth": {"value": "***", "on": true},
        "dsn": null,
        "said": "Server=db;Password=***;",
        "tenant": "x-tenant-key: hunter3",
    });
    assert_eq!(asked.component["components"]["token"], json!({"status": "UP", "details": shown}));
}

/// What is down has components, too, whatever its code: they tell which of them it is.
#[tokio::test]
async fn components_of_what_is_down() {
    let body = r#"{"status":"DOWN","components":{"db":{"status":"DOWN"}}}"#;
    for code in ["200 OK", "503 Service Unavailable"] {
        let asked = ask_for(answer(code, "content-type: application/json\r\n", body)).await;
        let down = json!({"status": "DOWN", "components": {"db": {"status": "DOWN"}}});
        assert_eq!(asked.plain, down);
    }
}

#[tokio::test]
async fn media_types() {
    for media_type in [
        "",
        "content-type:\r\n",
        "content-type: application/json\r\n",
        "content-type: Application/JSON;charset=UTF-8\r\n",
        "content-type: application/vnd.spring-boot.actuator.v2+json\r\n",
        "content-type: application/vnd.spring-boot.actuator.v3+json;charset=UTF-8\r\n",
        "content-type: application/health+json\r\n",
        "content-type: text/plain\r\n",
        "content-type: text/json\r\n",
        // Flask and many hand-written endpoints send JSON so.
        "content-type: text/html; charset=utf-8\r\n",
        "content-type: application/xml\r\n",
        "content-type: application/octet-stream\r\n",
        "content-type: a+json\r\n",
        "content-type: x\r\n",
    ] {
        for body in [UP, "ok", "Healthy\n"] {
            let asked = ask_for(answer("200 OK", media_type, body)).await;
            assert_eq!(asked.status, "UP", "{media_type}: {body}");
        }
        let down = r#"{"status":"DOWN","components":{"db":{"status":"DOWN"}}}"#;
        let asked = ask_for(answer("200 OK", media_type, down)).await;
        is_down(&asked, "reports status DOWN");
        assert_eq!(asked.plain["components"]["db"]["status"], "DOWN", "{media_type}");
    }
}

/// A page that a proxy, a login or the wrong path answers with 200 says nothing of the dependency.
#[tokio::test]
async fn a_page_is_no_health() {
    let why =
        "its answer is a page such as HTML instead of JSON: check the path of its health endpoint";
    for media_type in ["", "content-type: text/html; charset=utf-8\r\n", "content-type: x\r\n"] {
        for page in
            ["<!DOCTYPE html>\n<title>Log in</title>", "<p>UP</p>", " <?xml version='1.0'?>"]
        {
            is_down(&ask_for(answer("200 OK", media_type, page)).await, why);
        }
    }
    let header = "content-type: text/html\r\n";
    let words = "its answer is not a health: it must be JSON, or a word such as `UP`";
    is_down(&ask_for(answer("200 OK", header, "UP, I guess")).await, words);
}

#[tokio::test]
async fn early_hints_come_before_the_answer() {
    let hints = "HTTP/1.1 103 Early Hints\r\nlink: </x>; rel=preload\r\n\r\n";
    let goes_on = "HTTP/1.1 100 Continue\r\n\r\n";
    let answers = [hints.as_bytes(), goes_on.as_bytes(), &json_answer(UP)].concat();
    assert_eq!(ask_for(answers).await.status, "UP");
}

#[tokio::test]
async fn http_1_0() {
    let answer = format!("HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n\r\n{UP}");
    assert_eq!(ask_for(answer).await.status, "UP");
}

#[tokio::test]
async fn gzip_is_understood() {
    assert_eq!(ask_for(gzipped(gzip(UP))).await.status, "UP");
    let longest = format!("{UP}{}", " ".repeat(64 * 1024 - UP.len()));
    assert_eq!(ask_for(gzipped(gzip(&longest))).await.status, "UP");
    let too_long = gzipped(gzip(&format!("{longest} ")));
    assert!(too_long.len() < 1024);
    is_down(&ask_for(too_long).await, "its answer is longer than 64 KiB");
}

#[tokio::test]
async fn gzip_that_is_broken() {
    let good = gzip(UP);
    let mut checksum = good.clone();
    checksum[good.len() - 8] ^= 1;
    for broken in [&good[..good.len() / 2], &good[..good.len() - 1], &checksum, UP.as_bytes()] {
        let asked = ask_for(gzipped(broken)).await;
        assert_eq!(asked.status, "DOWN", "{asked:?}");
        let why = "its answer is incomplete or cannot be decoded: ";
        assert!(asked.why.starts_with(why), "{}", asked.why);
    }
}

#[tokio::test]
async fn other_encodings() {
    for encoding in ["br", "deflate", "zstd", "gzip, gzip", "aws-chunked"] {
        let header = format!("content-encoding: {encoding}\r\n");
        let why =
            format!("its answer has the encoding `{encoding}`, which the request does not accept");
        is_down(&ask_for(answer("200 OK", &header, UP)).await, &why);
    }
    for none in ["identity", "Identity", ""] {
        let header = format!("content-encoding: {none}\r\n");
        assert_eq!(ask_for(answer("200 OK", &header, UP)).await.status, "UP", "{none}");
    }
}

#[tokio::test]
async fn a_body_of_64_kib_is_read() {
    let longest = format!("{UP}{}", " ".repeat(64 * 1024 - UP.len()));
    assert_eq!(ask_for(json_answer(&longest)).await.status, "UP");
    is_down(&ask_for(json_answer(format!("{longest} "))).await, "its answer is longer than 64 KiB");
}

#[tokio::test]
async fn what_is_no_health() {
    for (body, why) in [
        (&b"null"[..], "its answer is `null`, but must be a JSON object"),
        (b"[{\"status\":\"UP\"}]", "its answer is an array, but must be a JSON object"),
        (b"", "its answer is empty"),
        (b"{\"status\":\"UP\xff\"}", "its answer is not UTF-8"),
        (b"{}", "its answer has no top-level `status` that is a string"),
        (
            b"{\"status\":\"DOWN\",\"status\":\"UP\"}",
            "its answer is not valid JSON: the key \"status\" occurs twice at line 1 column 25",
        ),
    ] {
        is_down(&ask_for(json_answer(body)).await, why);
    }
}
