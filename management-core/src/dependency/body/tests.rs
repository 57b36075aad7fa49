use serde_json::{Map, json};

use super::components::MAX_LEVELS;
use super::*;
use crate::dependency::MAX_BODY_BYTES;

fn parse(body: impl AsRef<[u8]>) -> Result<Body, String> {
    read(Some("application/json"), body.as_ref())
}

/// The components of a body, with and without details.
#[track_caller]
fn shown(body: &Value) -> (Value, Value) {
    let components = parse(body.to_string()).unwrap().components.expect("components");
    let value = |json: &str| serde_json::from_str(json).unwrap();
    (value(components.plain.get()), value(components.detailed.get()))
}

#[track_caller]
fn refuses(body: impl AsRef<[u8]>, why: &str) {
    let body = body.as_ref();
    let complaint = parse(body).unwrap_err();
    let body = String::from_utf8_lossy(&body[..body.len().min(80)]);
    assert!(complaint.contains(why), "{body}: {complaint}");
}

/// A status in `levels` levels of components.
fn nested(levels: usize) -> Value {
    (0..levels).fold(json!({"status": "UP"}), |inner, level| {
        json!({"status": "UP", "components": {format!("c{}", levels - level): inner}})
    })
}

#[test]
fn statuses() {
    for (word, status) in [
        ("UP", Status::Up),
        ("up", Status::Up),
        ("pass", Status::Up),
        ("ok", Status::Up),
        ("DEGRADED", Status::Degraded),
        ("warn", Status::Degraded),
        ("UNKNOWN", Status::Unknown),
        ("OUT_OF_SERVICE", Status::OutOfService),
        ("DOWN", Status::Down),
        ("fail", Status::Down),
        ("error", Status::Down),
        ("FATAL", Status::Unknown),
        ("UPP", Status::Unknown),
    ] {
        let body = parse(json!({"status": word}).to_string()).unwrap();
        assert_eq!((body.status, body.word.as_deref()), (status, Some(word)));
        assert!(body.components.is_none());
    }
}

#[test]
fn only_a_word_of_a_status_is_kept() {
    for (status, word) in [
        ("FATAL", Some("FATAL")),
        ("read-only_2", Some("read-only_2")),
        ("DOWN password=hunter2", None),
        ("a\nb\u{1b}[2J", None),
        ("", None),
        (&"x".repeat(33), None),
    ] {
        let body = parse(json!({"status": status}).to_string()).unwrap();
        assert_eq!((body.status, body.word.as_deref()), (Status::Unknown, word));
    }
}

#[test]
fn plain_words() {
    for word in ["ok", "OK\n", " UP ", "Healthy"] {
        for media_type in [None, Some(""), Some("text/plain"), Some("application/json")] {
            assert_eq!(read(media_type, word.as_bytes()).unwrap().status, Status::Up, "{word}");
        }
    }
    assert_eq!(parse("Degraded").unwrap().status, Status::Degraded);
    assert_eq!(parse("Unhealthy").unwrap().status, Status::Down);
    for (media_type, why) in [
        (None, "its answer is not a health: it must be JSON, or a word such as `UP`"),
        (Some("text/plain"), "its answer is not a health: it must be JSON, or a word such as `UP`"),
        (Some("application/json"), "its answer is not valid JSON: expected value"),
    ] {
        let complaint = read(media_type, b"I'm a <teapot>\nshort and stout").unwrap_err();
        assert!(complaint.starts_with(why), "{complaint}");
    }
}

#[test]
fn what_is_no_object() {
    refuses("null", "its answer is `null`, but must be a JSON object");
    refuses("true", "its answer is a boolean, but must be a JSON object");
    refuses("1", "its answer is a number, but must be a JSON object");
    refuses("-0.5e3", "its answer is a number, but must be a JSON object");
    refuses("\"UP\"", "its answer is a JSON string, but must be a JSON object");
    refuses("[]", "its answer is an array, but must be a JSON object");
    refuses("[\"UP\"]", "its answer is an array, but must be a JSON object");
}

#[test]
fn what_has_no_status() {
    for body in [
        "{}",
        r#"{"Status":"UP"}"#,
        r#"{"status":null}"#,
        r#"{"status":true}"#,
        r#"{"status":200}"#,
        r#"{"status":["UP"]}"#,
        r#"{"status":{"a":1}}"#,
        r#"{"components":{"db":{"status":"UP"}}}"#,
    ] {
        refuses(body, "its answer has no top-level `status` that is a string");
    }
}

#[test]
fn what_is_no_json() {
    for body in [
        "NaN",
        "{",
        "{\"status\":\"UP\"",
        "{\"status\":\"UP\",}",
        "{'status':'UP'}",
        "{\"status\":\"UP\"} {\"status\":\"UP\"}",
        "{\"status\":\"UP\"}x",
        "{\"status\":\"UP\"}\0",
        r#"{"status":"UP","x":NaN}"#,
        r#"{"status":"UP","x":Infinity}"#,
        r#"{"status":"UP","x":-Infinity}"#,
        r#"{"status":"UP","x":01}"#,
        r#"{"status":"UP","x":"\ud800"}"#,
        "{\"status\":\"UP\",\"x\":\"\n\"}",
        "<html>",
    ] {
        refuses(body, "its answer is not valid JSON: ");
    }
    refuses(r#"{"status":"UP","x":1e999}"#, "number out of range");
}

#[test]
fn what_is_no_utf_8() {
    refuses(b"{\"status\":\"UP\",\"x\":\"M\xfcller\"}", "its answer is not UTF-8");
    refuses(b"\xff\xfe{\0\"\0", "its answer is not UTF-8");
    refuses(b"\xed\xa0\x80", "its answer is not UTF-8");
}

#[test]
fn what_is_empty() {
    for body in ["", " \r\n\t", "\u{feff}", "\u{feff} "] {
        refuses(body, "its answer is empty");
    }
}

#[test]
fn a_byte_order_mark_and_white_space_around_do_not_matter() {
    for body in ["\u{feff}{\"status\":\"UP\"}", "\r\n {\"status\" : \"UP\"}\n", "\u{feff}ok\n"] {
        assert_eq!(parse(body).unwrap().status, Status::Up, "{body}");
    }
}

#[test]
fn media_types() {
    for media_type in [
        "application/json",
        " Application/JSON ; charset=utf-8",
        "application/vnd.spring-boot.actuator.v3+json",
        "application/health+json;version=1",
        "text/json",
        "text/plain;charset=us-ascii",
        "text/html; charset=utf-8",
        "application/xml",
        "application/octet-stream",
        "json",
        "\u{fffd}",
    ] {
        for body in ["{\"status\":\"UP\"}", "ok", "Healthy\n"] {
            let body_read = read(Some(media_type), body.as_bytes());
            assert_eq!(body_read.unwrap().status, Status::Up, "{media_type}: {body}");
        }
        assert!(read(Some(media_type), b"<p>UP</p>").is_err(), "{media_type}");
    }
}

#[test]
fn an_invalid_body_is_described_by_what_it_looks_like() {
    let page =
        "its answer is a page such as HTML instead of JSON: check the path of its health endpoint";
    let json = "its answer is not valid JSON: expected value at line 1 column 1";
    let word = "its answer is not a health: it must be JSON, or a word such as `UP`";
    for (media_type, body, why) in [
        (Some("text/html; charset=utf-8"), "<!doctype html><title>UP</title>", page),
        (None, "\n<p>{\"status\":\"UP\"}</p>", page),
        (Some("application/xml"), "<health>UP</health>", page),
        (Some("application/json"), "<p>UP</p>", json),
        (Some("application/health+json; version=1"), "<p>UP</p>", json),
        (Some("text/html"), "I am fine", word),
        (Some("text/html"), "{\"status\":", "its answer is not valid JSON: EOF"),
    ] {
        let complaint = read(media_type, body.as_bytes()).unwrap_err();
        assert!(complaint.starts_with(why), "{media_type:?} {body}: {complaint}");
    }
}

#[test]
fn components_are_cut_below_eight_levels() {
    for levels in 1..=15 {
        let (plain, _) = shown(&nested(levels));
        assert_eq!(plain, nested(levels.min(MAX_LEVELS))["components"], "{levels}");
    }
    refuses(nested(16).to_string(), "it is nested deeper than 32 levels");
}

#[test]
fn details_are_cut_below_eight_levels() {
    let nested = |levels: usize| (1..levels).fold(json!({}), |inner, _| json!({"d": [1, inner]}));
    let body = |details: Value| json!({"status": "UP", "components": {"db": {"status": "UP", "details": details}}});
    // Each step is an object and an array.
    let (_, detailed) = shown(&body(nested(9)));
    let kept = (1..4).fold(json!({"d": [1]}), |inner, _| json!({"d": [1, inner]}));
    assert_eq!(detailed["db"]["details"], kept);
}

#[test]
fn our_own() {
    let body = json!({
        "status": "DEGRADED",
        "components": {
            "db": {
                "status": "DEGRADED",
                "details": {"error": "slow", "url": "https://u:hunter2@h/"},
                "checkedAt": "2026-01-01T00:00:00.000Z",
                "failures": 0,
            },
            "users": {"status": "UP", "components": {"db": {"status": "UP"}}},
        },
        "groups": {"a": {"status": "UP"}},
    });
    let (plain, detailed) = shown(&body);
    assert_eq!(
        plain,
        json!({
            "db": {"status": "DEGRADED"},
            "users": {"status": "UP", "components": {"db": {"status": "UP"}}},
        })
    );
    assert_eq!(
        detailed["db"],
        json!({"status": "DEGRADED", "details": {"error": "slow", "url": "https://***@h/"}})
    );
    assert_eq!(parse(body.to_string()).unwrap().status, Status::Degraded);
}

#[test]
fn actuator_v3() {
    let (plain, detailed) = shown(&json!({
        "status": "UP",
        "groups": ["liveness", "readiness"],
        "components": {
            "db": {
                "status": "UP",
                "components": {"one": {"status": "UP", "details": {"database": "H2"}}},
            },
            "diskSpace": {"status": "UP", "details": {"total": 1, "free": 0.5, "exists": true}},
            "ping": {"status": "UP"},
        },
    }));
    assert_eq!(
        plain,
        json!({
            "db": {"status": "UP", "components": {"one": {"status": "UP"}}},
            "diskSpace": {"status": "UP"},
            "ping": {"status": "UP"},
        })
    );
    let details = &detailed["diskSpace"]["details"];
    assert_eq!(*details, json!({"total": 1, "free": 0.5, "exists": true}));
}

#[test]
fn actuator_v2() {
    let (plain, detailed) = shown(&json!({
        "status": "DOWN",
        "details": {
            "db": {
                "status": "DOWN",
                "details": {"one": {"status": "DOWN", "details": {"error": "refused"}}},
            },
            "diskSpace": {"status": "UP", "details": {"total": 1}},
        },
    }));
    assert_eq!(
        plain,
        json!({
            "db": {"status": "DOWN", "components": {"one": {"status": "DOWN"}}},
            "diskSpace": {"status": "UP"},
        })
    );
    let one = &detailed["db"]["components"]["one"];
    assert_eq!(*one, json!({"status": "DOWN", "details": {"error": "refused"}}));
    assert_eq!(detailed["diskSpace"]["details"], json!({"total": 1}));
}

#[test]
fn health_json() {
    let (plain, detailed) = shown(&json!({
        "status": "warn",
        "version": "1",
        "notes": ["secret"],
        "checks": {
            "cassandra:responseTime": [
                {"componentId": "a", "observedValue": 250, "status": "pass"},
                {"componentId": "b", "status": "fail", "output": "refused"},
            ],
            "uptime": [{"observedValue": 1.5}],
            "none": [],
            "odd": {"status": "fail"},
        },
    }));
    assert_eq!(
        plain,
        json!({"cassandra:responseTime": {"status": "DOWN"}, "uptime": {"status": "UP"}})
    );
    assert_eq!(
        detailed["cassandra:responseTime"]["details"],
        json!({"componentId": "a", "observedValue": 250})
    );
}

#[test]
fn components_that_are_none_are_left_out() {
    let (plain, detailed) = shown(&json!({
        "status": "UP",
        "components": {
            "a": 1, "b": null, "c": "UP", "d": ["UP"],
            "e": {}, "f": {"status": 1}, "g": {"status": "GREEN", "details": []},
        },
    }));
    let unknown = json!({"status": "UNKNOWN"});
    assert_eq!(plain, json!({"e": unknown, "f": unknown, "g": unknown}));
    assert_eq!(detailed, plain);
    for components in [json!(null), json!([]), json!({}), json!("UP"), json!({"a": 1})] {
        let body = json!({"status": "UP", "components": components}).to_string();
        assert!(parse(body).unwrap().components.is_none());
    }
}

#[test]
fn names_and_keys_are_short_lines_without_credentials() {
    let long = "x".repeat(10_000);
    let (plain, detailed) = shown(&json!({
        "status": "UP",
        "components": {
            "a\u{0}\r\nb\u{9b}2J": {"status": "UP", "details": {"c\n": 1, "postgres://u:hunter2@h": 1}},
            long: {"status": "UP"},
            "amqp://u:hunter2@h": {"status": "UP"},
        },
    }));
    // Their order is that of serde_json, which depends on its features.
    let mut names: Vec<_> = plain.as_object().unwrap().keys().collect();
    names.sort();
    assert_eq!(names[0], "a b 2J");
    assert_eq!(names[1], "amqp://***@h");
    assert!(names[2].len() <= 1024);
    let details = &detailed["a b 2J"]["details"];
    assert_eq!(*details, json!({"c": 1, "postgres://***@h": 1}));
}

/// What two names have become one for is as bad as the worse of them.
#[test]
fn names_that_become_alike() {
    let (plain, _) = shown(&json!({
        "status": "UP",
        "components": {"a": {"status": "DOWN"}, "a\n": {"status": "UP"}, "\na": {"status": "UP"}},
    }));
    assert_eq!(plain, json!({"a": {"status": "DOWN"}}));
}

#[test]
fn components_of_more_than_64_kib_are_left_out() {
    let body = |count: usize| {
        let components: Map<_, _> =
            (0..count).map(|number| (format!("{number:04}"), json!({}))).collect();
        json!({"status": "UP", "components": components})
    };
    // As `"0000":{"status":"UNKNOWN"}` with a comma or a brace around each.
    let fits = (MAX_BODY_BYTES - 1) / 28;
    let (plain, _) = shown(&body(fits));
    assert_eq!(plain.as_object().unwrap().len(), fits);
    let too_many = parse(body(fits + 1).to_string()).unwrap();
    assert_eq!(too_many.status, Status::Up);
    assert!(too_many.components.is_none());
}

#[test]
fn details_that_make_more_than_64_kib_are_left_out() {
    let text = "x".repeat(1000);
    let details: Map<_, _> = (0..70).map(|number| (number.to_string(), json!(text))).collect();
    let body = json!({"status": "UP", "components": {"db": {"status": "UP", "details": details}}});
    let (plain, detailed) = shown(&body);
    assert_eq!(plain, json!({"db": {"status": "UP"}}));
    assert_eq!(detailed, plain);
}
