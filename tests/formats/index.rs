//! The links at the prefix.

use super::*;
use management_core::Config;
use management_core::endpoint::Route;

fn of(set: impl FnOnce(Builder) -> Builder) -> Endpoint {
    Endpoint::new(&set(Management::builder()).build().unwrap())
}

#[tokio::test]
async fn the_links_of_everything() {
    let endpoint = of(|builder| builder);
    for uri in ["/z", "/z/"] {
        compare("index.actuator-v3", &get(&endpoint, uri, "").await);
        compare("index.actuator-v3", &get(&endpoint, uri, V3).await);
    }
    let response = get(&endpoint, "/z", V2).await;
    assert_eq!((header(&response, "content-type"), header(&response, "vary")), (V2, "Accept"));
    assert_eq!(header(&response, "cache-control"), "no-store");
    for (method, code) in [(Method::HEAD, 200), (Method::OPTIONS, 200), (Method::POST, 405)] {
        let response = ask(&endpoint, method.clone(), "/z", V3).await;
        assert_eq!(response.status(), code, "{method}");
    }
}

/// What a link leads to is there, and what is switched off has no link.
#[tokio::test]
async fn links_are_those_that_can_be_followed() {
    let endpoint = of(|builder| {
        builder
            .endpoint(Route::Info, false)
            .endpoint(Route::Metrics, false)
            .endpoint(Route::Health, false)
    });
    let links = json(&get(&endpoint, "/z", "").await)["_links"].clone();
    // Their order is that of serde_json, which depends on its features.
    let mut names: Vec<_> = links.as_object().unwrap().keys().cloned().collect();
    names.sort();
    assert_eq!(names, ["health-path", "prometheus", "scheduledtasks", "self", "version"]);
    let endpoint = of(|builder| builder);
    let links = json(&get(&endpoint, "/z", "").await)["_links"].clone();
    for (name, link) in links.as_object().unwrap() {
        let path = link["href"].as_str().unwrap().strip_prefix("http://orders:8080").unwrap();
        let is_templated = path.contains('{');
        assert_eq!(link["templated"], is_templated, "{name}");
        let path =
            path.replace("{*path}", "readiness").replace("{requiredMetricName}", "process.uptime");
        assert_eq!(get(&endpoint, &path, V3).await.status(), 200, "{name}: {path}");
    }
}

#[test]
fn the_root_belongs_to_the_application() {
    for prefix in ["", "/"] {
        let endpoint = of(|builder| builder.prefix(prefix));
        assert_eq!(endpoint.route("/"), None);
        assert_eq!(endpoint.route(""), None);
        assert!(!endpoint.paths().any(|(_, route)| route == Route::Index));
    }
    let endpoint = of(|builder| builder.endpoint(Route::Index, false));
    assert_eq!(endpoint.route("/z"), None);
}

#[tokio::test]
async fn the_address_is_that_of_the_client() {
    async fn link(
        endpoint: &Endpoint,
        headers: &[(&str, &str)],
        mounted_at: Option<&str>,
    ) -> String {
        let mut request = Request::get("/z");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(()).unwrap();
        if let Some(path) = mounted_at {
            request.extensions_mut().insert(MountedAt(path.into()));
        }
        let response = endpoint.respond(Route::Index, &request.into_parts().0).await;
        let body: Value = serde_json::from_slice(response.body()).unwrap();
        body["_links"]["self"]["href"].as_str().unwrap().to_owned()
    }
    let forwarded = [
        ("host", "10.0.0.7"),
        ("x-forwarded-host", "orders.example"),
        ("x-forwarded-proto", "https"),
    ];
    let usual = of(|builder| builder);
    assert_eq!(link(&usual, &forwarded, None).await, "http://10.0.0.7/z");
    assert_eq!(link(&usual, &forwarded, Some("/api")).await, "http://10.0.0.7/api/z");
    assert_eq!(link(&usual, &[], None).await, "/z");
    let trusting = of(|builder| builder.trust_forwarded(true));
    assert_eq!(link(&trusting, &forwarded, None).await, "https://orders.example/z");
    let public =
        of(|builder| builder.public_url("https://example.com/orders/").trust_forwarded(true));
    assert_eq!(link(&public, &forwarded, None).await, "https://example.com/orders/z");
    let configured: Config =
        serde_json::from_str(r#"{"public_url": "http://configured", "trust_forwarded": true}"#)
            .unwrap();
    let configured = of(|builder| builder.config(configured));
    assert_eq!(link(&configured, &forwarded, None).await, "http://configured/z");
}

#[test]
fn a_url_that_is_none_is_a_mistake() {
    let error =
        Management::builder().public_url("https://user:hunter2@orders").build().unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("`public_url` contains a user") && !error.contains("hunter2"),
        "{error}"
    );
}
