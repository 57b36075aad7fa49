//! Clients of Spring Boot: they ask what Spring Boot Admin and `kubectl actuator` ask, and need what those need.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use management_axum::endpoint::Route;
use management_axum::{Builder, Check, Heartbeat, Management, ShowDetails, listen, router};
use reqwest::{Client, Method, StatusCode, Url};
use serde_json::{Map, Value};
use tokio::net::TcpListener;

const V3: &str = "application/vnd.spring-boot.actuator.v3+json";

/// What Spring Boot Admin accepts.
const ACCEPT: &str = "application/vnd.spring-boot.actuator.v3+json, application/vnd.spring-boot.actuator.v2+json, \
                      application/vnd.spring-boot.actuator.v1+json, application/json";

/// Spring Boot Admin. It gives health 9 s.
struct Admin {
    client: Client,
    management_url: String,
    /// The endpoints that it has found, by their names.
    endpoints: BTreeMap<String, String>,
}

impl Admin {
    /// Finds the endpoints at the management URL.
    async fn discover(management_url: String) -> Self {
        // Another test may have been first.
        _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().timeout(Duration::from_secs(9)).build().unwrap();
        let mut admin = Admin { client, management_url, endpoints: BTreeMap::new() };
        let (code, media_type, index) = admin.get(&admin.management_url).await;
        if code.is_success() && media_type == V3 {
            for (name, link) in object(&index, "_links") {
                let href = string(link, "href");
                let is_templated = link["templated"].as_bool().expect("`templated` is a boolean");
                assert_eq!(href.contains('{'), is_templated, "{name}");
                let url = Url::parse(&href.replace(['{', '}', '*'], "")).expect("an absolute URL");
                assert!(url.has_host(), "{href}");
                if !is_templated && name != "self" {
                    admin.endpoints.insert(name.clone(), href.to_owned());
                }
            }
        } else {
            for name in ["health", "info", "metrics", "scheduledtasks", "env", "loggers"] {
                let url = format!("{}/{name}", admin.management_url);
                let answer = admin.client.request(Method::OPTIONS, &url).send().await.unwrap();
                if answer.status().is_success() {
                    admin.endpoints.insert(name.to_owned(), url);
                }
            }
        }
        admin
    }

    /// The code, the media type and the body.
    async fn get(&self, url: &str) -> (StatusCode, String, Value) {
        let answer = self.client.get(url).header("accept", ACCEPT).send().await.unwrap();
        let code = answer.status();
        let media_type = answer.headers().get("content-type");
        let media_type = media_type.map_or("", |value| value.to_str().unwrap()).to_owned();
        let body = answer.text().await.unwrap();
        let body = match &*media_type {
            // Not of an endpoint.
            "" => Value::Null,
            _ => serde_json::from_str(&body).unwrap_or_else(|_| panic!("{url}: {body}")),
        };
        (code, media_type, body)
    }

    async fn json(&self, endpoint: &str) -> Value {
        let (code, media_type, body) = self.get(&self.endpoints[endpoint]).await;
        assert_eq!((code, &*media_type), (StatusCode::OK, V3), "{endpoint}");
        body
    }

    /// The health page, whatever the status is.
    async fn health(&self) -> String {
        let (code, media_type, health) = self.get(&self.endpoints["health"]).await;
        // Another type would go through a converter for Spring Boot 1.
        assert_eq!(media_type, V3);
        assert!(matches!(code.as_u16(), 200 | 503), "{code}");
        let status = string(&health, "status");
        for group in health["groups"].as_array().expect("`groups` is an array") {
            let group = group.as_str().expect("a name");
            let (_, media_type, body) =
                self.get(&format!("{}/{group}", self.endpoints["health"])).await;
            assert_eq!(media_type, V3, "{group}");
            string(&body, "status");
            assert!(body.get("groups").is_none(), "{group}: {body}");
        }
        for (name, component) in object(&health, "components") {
            self.component(name, component).await;
        }
        status.to_owned()
    }

    /// A component, which is a leaf or a composite.
    async fn component(&self, name: &str, component: &Value) {
        string(component, "status");
        let (_, _, alone) = self.get(&format!("{}/{name}", self.endpoints["health"])).await;
        string(&alone, "status");
        match component.get("components") {
            Some(children) => {
                assert!(component.get("details").is_none(), "{name}: a composite has no details");
                for (_, child) in children.as_object().expect("`components` is an object") {
                    string(child, "status");
                }
            }
            None => {
                if let Some(details) = component.get("details") {
                    let details = details.as_object().expect("`details` is an object");
                    // An object with a status would be drawn as a check.
                    assert!(!details.values().any(|detail| detail.get("status").is_some()));
                }
            }
        }
    }

    /// The panel about the process.
    async fn process(&self) {
        let names = self.json("metrics").await;
        let names: Vec<_> =
            names["names"].as_array().expect("`names` is an array").iter().collect();
        assert!(names.iter().all(|name| name.is_string()));
        assert!(names.contains(&&Value::from("process.uptime")), "the panel is not shown");
        let info = self.json("info").await;
        for name in ["process.uptime", "process.cpu.usage", "system.cpu.usage", "system.cpu.count"]
        {
            let url = format!("{}/{name}", self.endpoints["metrics"]);
            let (code, _, metric) = self.get(&url).await;
            assert_eq!((code, string(&metric, "name")), (StatusCode::OK, name));
            let value = metric["measurements"][0]["value"].as_f64().expect("a number");
            let is_share = name.ends_with("usage");
            assert!(value >= 0.0 && (!is_share || value <= 1.0), "{name} is {value}");
            assert_eq!(metric["measurements"][0]["statistic"], "VALUE");
            assert!(metric["availableTags"].is_array());
        }
        assert!(info.is_object());
    }

    async fn scheduled_tasks(&self) -> Vec<String> {
        let tasks = self.json("scheduledtasks").await;
        for kind in ["cron", "fixedRate", "custom"] {
            assert!(tasks[kind].is_array(), "{kind}: {tasks}");
        }
        let tasks = tasks["fixedDelay"].as_array().expect("`fixedDelay` is an array");
        let target = |task: &Value| {
            assert!(task["initialDelay"].is_u64() && task["interval"].is_u64(), "{task}");
            string(&task["runnable"], "target").to_owned()
        };
        tasks.iter().map(target).collect()
    }
}

fn string<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("`{key}` is no string in {value}"))
}

fn object<'a>(value: &'a Value, key: &str) -> &'a Map<String, Value> {
    value[key].as_object().unwrap_or_else(|| panic!("`{key}` is no object in {value}"))
}

fn orders(builder: Builder, progress: &Heartbeat) -> Builder {
    builder
        .show_details(ShowDetails::always())
        .check(Check::new("db", async || ()).readiness().interval(Duration::from_secs(60)))
        .check(Check::new("queue", async || Err::<(), _>("refused")).groups(["payments"]))
        .check(Check::heartbeat("consumer", progress).liveness())
}

async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

#[tokio::test]
async fn admin_shows_a_service() {
    let progress = Heartbeat::new(Duration::from_secs(60));
    let management = orders(Management::builder(), &progress).build().unwrap();
    let merged = serve(router(&management)).await;
    let nested = serve(Router::new().nest("/api", router(&management))).await;
    let tenants = serve(Router::new().nest("/tenants/{id}", router(&management))).await;
    let own = listen(&management, "127.0.0.1:0").await.unwrap();
    for url in [
        format!("http://{merged}/z"),
        format!("http://{merged}/z/"),
        format!("http://{nested}/api/z"),
        // A value is part of one segment, whatever it contains.
        format!("http://{tenants}/tenants/7%2F%7Bid%7D%22/z"),
        format!("http://{}/z", own.local_addr()),
    ] {
        let admin = Admin::discover(url.clone()).await;
        let found: Vec<_> = admin.endpoints.keys().map(String::as_str).collect();
        assert_eq!(
            found,
            ["health", "info", "metrics", "prometheus", "scheduledtasks", "version"],
            "{url}"
        );
        assert_eq!(admin.health().await, "DOWN");
        admin.process().await;
        assert_eq!(admin.scheduled_tasks().await, ["consumer", "db"]);
    }
}

/// Without the page at the prefix, it asks for each endpoint.
#[tokio::test]
async fn admin_finds_endpoints_without_an_index() {
    let progress = Heartbeat::new(Duration::from_secs(60));
    let builder = orders(Management::builder(), &progress);
    let builder = builder.endpoint(Route::Index, false).endpoint(Route::ScheduledTasks, false);
    let address = serve(router(&builder.build().unwrap())).await;
    // Its health has a failing check, and still is there.
    let url = format!("http://{address}/z");
    let admin = Admin::discover(url.clone()).await;
    let found: Vec<_> = admin.endpoints.keys().map(String::as_str).collect();
    assert_eq!(found, ["info", "metrics"], "OPTIONS has the code of GET, and health is DOWN");
    let up = Management::builder().endpoint(Route::Index, false).build().unwrap();
    let address = serve(router(&up)).await;
    let admin = Admin::discover(format!("http://{address}/z")).await;
    assert_eq!(admin.health().await, "UP");
}

/// It sends no `Accept`.
#[tokio::test]
async fn kubectl_actuator_reads_a_service() {
    let progress = Heartbeat::new(Duration::from_secs(60));
    let management = orders(Management::builder(), &progress).build().unwrap();
    let address = serve(router(&management)).await;
    let root = format!("http://{address}");
    let get = async |url: String| {
        let path = url.strip_prefix(&root).expect("the host of the request");
        let answer = support::fetch(address, path, "").await;
        let media_type = answer.header("content-type").unwrap().to_owned();
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        (answer.status.as_u16(), media_type, body)
    };
    let (code, media_type, index) = get(format!("http://{address}/z")).await;
    assert_eq!((code, &*media_type), (200, V3));
    let link = |name: &str| string(&index["_links"][name], "href").to_owned();
    let (code, _, health) = get(link("health")).await;
    assert_eq!((code, string(&health, "status")), (503, "DOWN"));
    assert!(object(&health, "components").contains_key("db"));
    let (code, _, info) = get(link("info")).await;
    assert!(code == 200 && info.is_object());
    let (code, _, tasks) = get(link("scheduledtasks")).await;
    assert!(code == 200 && tasks["fixedDelay"].as_array().is_some_and(|tasks| tasks.len() == 2));
}
