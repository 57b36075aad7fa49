//! What Spring Boot's Actuator has beside health: metrics and scheduled tasks.

use super::*;

fn with(set: impl FnOnce(Builder) -> Builder) -> Endpoint {
    Endpoint::new(&set(Management::builder()).build().unwrap())
}

#[tokio::test]
async fn metrics_by_name() {
    let endpoint = with(|builder| {
        builder
            .check(Check::new("db", async || ()))
            .check(Check::new("queue", async || Err::<(), _>("refused")))
    });
    get(&endpoint, "/z/health", "").await;
    let response = get(&endpoint, "/z/metrics", V3).await;
    assert_eq!((response.status().as_u16(), header(&response, "content-type")), (200, V3));
    let names: Vec<String> = serde_json::from_value(json(&response)["names"].clone()).unwrap();
    assert!(names.is_sorted(), "{names:?}");
    for name in
        ["health_check.status", "health_check.duration", "process.uptime", "system.cpu.count"]
    {
        assert!(names.iter().any(|other| other == name), "{name} is not in {names:?}");
    }
    assert!(!names.iter().any(|name| name.starts_with("jvm")), "{names:?}");
    // Each of them can be read.
    for name in &names {
        let response = get(&endpoint, &format!("/z/metrics/{name}"), V2).await;
        assert_eq!(
            (response.status().as_u16(), header(&response, "content-type")),
            (200, V2),
            "{name}"
        );
        let metric = json(&response);
        assert_eq!(metric["name"], **name);
        assert!(metric["description"].is_string() && metric["availableTags"].is_array());
        for measurement in metric["measurements"].as_array().unwrap() {
            let statistic = measurement["statistic"].as_str().unwrap();
            assert!(["VALUE", "COUNT", "TOTAL_TIME"].contains(&statistic), "{metric}");
            assert!(measurement["value"].is_number(), "{metric}");
        }
    }
}

#[tokio::test]
async fn tags_select_samples() {
    let endpoint = with(|builder| {
        builder
            .check(Check::new("db", async || ()))
            .check(Check::new("queue", async || Err::<(), _>("refused")))
    });
    get(&endpoint, "/z/health", "").await;
    let read = async |query: &str| {
        let response = get(&endpoint, &format!("/z/metrics/health_check.status{query}"), "").await;
        (response.status().as_u16(), json(&response))
    };
    let (code, all) = read("").await;
    assert_eq!((code, &all["measurements"][0]["value"]), (200, &serde_json::json!(2.0)));
    let tags = serde_json::json!([
        {"tag": "check", "values": ["db", "queue"]},
        {"tag": "state", "values": ["degraded", "down", "out_of_service", "unknown", "up"]},
    ]);
    assert_eq!(all["availableTags"], tags);
    for (query, value) in [
        ("?tag=check:db&tag=state:up", 1.0),
        ("?tag=check:db&tag=state:down", 0.0),
        ("?tag=state:down", 1.0),
        ("?tag=check%3Aqueue&tag=state:down", 1.0),
    ] {
        let (code, metric) = read(query).await;
        assert_eq!(
            (code, metric["measurements"][0]["value"].as_f64()),
            (200, Some(value)),
            "{query}"
        );
    }
    let (_, one) = read("?tag=check:db&tag=state:up").await;
    assert_eq!(one["availableTags"], serde_json::json!([]));
    assert_eq!(read("?tag=check:other").await.0, 404);
    assert_eq!(read("?tag=other:db").await.0, 404);
    let (code, problem) = read("?tag=check").await;
    assert_eq!(code, 400);
    assert!(problem["detail"].as_str().unwrap().contains("?tag=check:db"), "{problem}");
    assert_eq!(get(&endpoint, "/z/metrics/jvm.memory.used", "").await.status(), 404);
    let counted = json(&get(&endpoint, "/z/metrics/health_check.duration?tag=check:db", "").await);
    let statistics = counted["measurements"].as_array().unwrap();
    assert_eq!(statistics[0], serde_json::json!({"statistic": "COUNT", "value": 1.0}));
    assert_eq!(
        (&statistics[1]["statistic"], &counted["baseUnit"]),
        (&"TOTAL_TIME".into(), &"seconds".into())
    );
}

#[tokio::test]
async fn text_is_what_the_path_has_for_everybody_else() {
    let endpoint = with(|builder| builder);
    for (accept, is_json) in [
        ("", false),
        ("*/*", false),
        ("text/plain", false),
        ("text/html", false),
        ("application/json, text/plain, */*", false),
        ("application/json;q=0.5, text/plain", false),
        ("application/openmetrics-text; version=1.0.0", false),
        ("application/*", false),
        ("application/json", true),
        ("application/json, text/plain;q=0.9", true),
        ("application/json, */*", true),
        (V3, true),
        (V2, true),
    ] {
        let response = get(&endpoint, "/z/metrics", accept).await;
        assert_eq!(response.body().starts_with("{\"names\":"), is_json, "{accept}");
        assert_eq!((response.status().as_u16(), header(&response, "vary")), (200, "Accept"));
    }
    let response = get(&endpoint, "/z/prometheus", V3).await;
    assert!(response.body().starts_with("# HELP "), "{}", response.body());
}

#[tokio::test(start_paused = true)]
async fn scheduled_tasks() {
    let progress = Heartbeat::new(Duration::from_secs(30));
    progress.beat();
    let seconds = Duration::from_secs;
    let endpoint = with(|builder| {
        builder
            .check(Check::new("db", async || ()).interval(seconds(10)))
            .check(Check::new("queue", async || false).interval(seconds(60)).retry(seconds(5)))
            .check(Check::new("on-demand", async || ()))
            .check(Check::instant("instant", || true))
            .check(Check::heartbeat("consumer", &progress))
    });
    tokio::time::sleep(Duration::from_millis(1)).await;
    let response = get(&endpoint, "/z/scheduledtasks", V3).await;
    compare("scheduledtasks.actuator-v3", &response);
    let tasks = json(&response);
    let time = |task: usize, key: &str| {
        let time = tasks["fixedDelay"][task][key]["time"].as_str().unwrap();
        humantime::parse_rfc3339(time).unwrap()
    };
    for (task, pause) in [(0, 30), (1, 10), (2, 5)] {
        let between = time(task, "nextExecution").duration_since(time(task, "lastExecution"));
        assert_eq!(between.unwrap(), seconds(pause), "{task}");
    }
    let plain = get(&endpoint, "/z/scheduledtasks", "*/*").await;
    assert_eq!(header(&plain, "content-type"), "application/json");
}
