//! The request that Consul sends with `deploy/consul.hcl`. No Debian package has the agent.

use std::time::Duration;

use management_axum::Dialect;
use serde::Deserialize;

use crate::service::Service;
use crate::{Answer, readdressed};

/// The keys that the file uses. Any other key is refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    service: Definition,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Definition {
    name: String,
    id: String,
    port: u16,
    check: Check,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Check {
    id: String,
    name: String,
    http: String,
    method: String,
    interval: String,
    failures_before_critical: u32,
    success_before_passing: u32,
    timeout: String,
    disable_redirects: bool,
    deregister_critical_service_after: String,
}

fn duration(text: &str) -> Duration {
    humantime::parse_duration(text).expect(text)
}

/// A client that sends a service the request that `deploy/consul.hcl` describes.
fn agent(service: &Service) -> impl Fn() -> Answer {
    let file = readdressed(
        "consul.hcl",
        &[
            ("127.0.0.1:8080", service.address.to_string()),
            ("port = 8080", format!("port = {}", service.address.port())),
        ],
    );
    let Definition { name, id, port, check } = hcl::from_str::<File>(&file).unwrap().service;
    assert_eq!((&*name, &*id, port), ("app", "app-1", service.address.port()));
    assert_eq!((&*check.id, &*check.name), ("app-1-readiness", "readiness"));
    assert!(check.disable_redirects);

    let path = check.http.strip_prefix(&format!("http://{}", service.address)).unwrap();
    let request = format!(
        "{} {path} HTTP/1.1\r\nHost: {}\r\nUser-Agent: Consul Health Check\r\nAccept: \
         text/plain, text/*, */*\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n",
        check.method, service.address
    );
    let door = service.door();
    move || door.connect().unwrap().send(&request).unwrap()
}

#[test]
fn judges_by_the_code() {
    let service = Service::start("app");
    let ask = agent(&service);
    // To Consul, 2xx is passing, 429 a warning, and anything else critical. It shows the body.
    let answer = ask();
    assert_eq!((answer.code, answer.body.is_empty()), (200, false), "{answer:?}");
    service.set_ready(false);
    let answer = ask();
    assert_eq!((answer.code, answer.body.is_empty()), (503, false), "{answer:?}");
}

/// With the dialect, a degraded service is a warning, and Consul shows what the warning is about.
#[test]
fn is_warned_of_a_degraded_service() {
    let service = Service::speaking("app", Dialect::Consul, Duration::from_secs(6));
    let ask = agent(&service);
    assert_eq!(ask().code, 200);
    service.set_degraded(true);
    let answer = ask();
    assert_eq!(answer.code, 429);
    assert_eq!(answer.body, "[+]db DEGRADED: ok\nreadiness check passed\n");
    service.set_ready(false);
    assert_eq!(ask().code, 503);
    service.set_ready(true);
    service.drain();
    assert_eq!(ask().code, 503);
}

/// The comments in the file promise this of its numbers.
#[test]
fn sees_a_drain_in_time() {
    let file = hcl::from_str::<File>(&readdressed("consul.hcl", &[])).unwrap();
    let check = file.service.check;
    let critical_after = duration(&check.interval) * check.failures_before_critical;
    assert!(critical_after < Duration::from_secs(10), "{critical_after:?}");
    assert!(check.success_before_passing > 1);
    assert!(duration(&check.timeout) > Duration::from_millis(800));
    let gone_after = duration(&check.deregister_critical_service_after);
    assert!(gone_after >= Duration::from_secs(60), "Consul takes a minute instead");
}
