//! HAProxy, with `deploy/haproxy.cfg`, unchanged.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::proxy::{Probing, Proxy, started};
use crate::service::Service;
use crate::traffic::{self, Traffic};
use crate::{Door, Running, deploy, eventually, program};

pub(crate) struct HaProxy {
    running: Running,
    stats: Door,
    door: Door,
    _folder: TempDir,
}

impl Proxy for HaProxy {
    const HIDDEN: &[&str] = &["/z", "/z/", "/z/health/readiness", "/z?verbose", "/z/nothing"];

    fn start(apps: [SocketAddr; 2]) -> Self {
        let mut this = HaProxy::with(&deploy("haproxy.cfg"), apps, &OFTEN);
        for server in ["app-1", "app-2"] {
            this.becomes(server, "UP L7OK", Instant::now());
        }
        this
    }

    /// It probes at most once within a test.
    fn without_probes(apps: [SocketAddr; 2]) -> Self {
        HaProxy::with(&deploy("haproxy.cfg"), apps, &[("CHECK_INTERVAL", "1h")])
    }

    fn door(&self) -> &Door {
        &self.door
    }
}

impl Probing for HaProxy {
    const DRAIN_DELAY: Duration = Duration::from_secs(5);

    fn takes_out(&mut self, service: &Service) {
        self.becomes(service.name, "DOWN L7STS", Instant::now());
    }
}

/// The default interval would make the tests slow.
const OFTEN: [(&str, &str); 1] = [("CHECK_INTERVAL", "100ms")];

impl HaProxy {
    pub(crate) fn with(config: &Path, apps: [SocketAddr; 2], settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let [stats, front] = ["stats", "front"].map(|name| path.join(name));
        let mut command = Command::new(program("haproxy", "the Debian package haproxy"));
        command.arg("-db").arg("-f").arg(config);
        command.env("BIND", &front).env("STATS_SOCKET", &stats);
        command.envs(settings.iter().copied());
        for (name, app) in ["APP_1", "APP_2"].into_iter().zip(apps) {
            command.env(name, app.to_string());
        }
        let running = Running::start(&mut command, path);
        let [stats, door] = [stats, front].map(Door::Socket);
        let mut this = HaProxy { running, stats, door, _folder: folder };
        eventually("HAProxy tells its state", || this.status("app-2"));
        this
    }

    /// The status of a server and the result of its last check. `None` before the first check.
    fn status(&mut self, server: &str) -> Option<String> {
        self.running.is_running();
        let table = self.stats.say("show stat\n").ok()?;
        let mut lines = table.lines();
        let names: Vec<_> = lines.next()?.trim_start_matches("# ").split(',').collect();
        let row = lines.map(|line| line.split(',').collect::<Vec<_>>());
        let row = row.into_iter().find(|row| row[..2] == ["app", server])?;
        let field = |name| row[names.iter().position(|own| *own == name).unwrap()];
        Some(format!("{} {}", field("status"), field("check_status").trim_start_matches("* ")))
    }

    /// Waits for a status, and prints each status before it.
    #[track_caller]
    pub(crate) fn becomes(&mut self, server: &str, status: &str, since: Instant) {
        let mut last = String::new();
        eventually(&format!("{server} {status}"), || {
            let now = self.status(server)?;
            if now != last {
                println!("{:>6} ms  {server} {now}", since.elapsed().as_millis());
                last = now;
            }
            (last == status).then_some(())
        });
    }
}

#[test]
fn takes_a_service_out_while_it_is_not_ready() {
    let (mut proxy, [mut first, second]) = started::<HaProxy>();
    let traffic = Traffic::start(&proxy.door, "GET");
    traffic::gets_more(&first, 50);

    println!("app-1 is no longer ready");
    first.set_ready(false);
    proxy.becomes("app-1", "DOWN L7STS", Instant::now());
    traffic::only_the_second_is_asked(&first, &second);

    // The service ends and starts again.
    first.stop();
    proxy.becomes("app-1", "DOWN L4CON", Instant::now());
    first.serve();
    proxy.becomes("app-1", "DOWN L7STS", Instant::now());
    println!("app-1 is ready");
    first.set_ready(true);
    proxy.becomes("app-1", "UP L7OK", Instant::now());
    traffic::gets_more(&first, 50);
    println!("{} requests, none lost", traffic.end());

    let asked = "GET HTTP/1.1 host app agent -";
    assert!(first.probes().iter().all(|probe| probe == asked), "{:?}", first.probes());
}

/// The file has one management port for all servers, each of which runs on its own machine.
#[test]
fn asks_at_the_management_port() {
    let [first, second] = ["app-1", "app-2"].map(Service::start);
    let management = Service::start("management");
    let port = management.address.port().to_string();
    let settings = [("CHECK_PORT", port.as_str()), OFTEN[0]];
    let apps = [first.address, second.address];
    let mut proxy = HaProxy::with(&deploy("haproxy.cfg"), apps, &settings);
    proxy.becomes("app-1", "UP L7OK", Instant::now());
    management.set_ready(false);
    proxy.becomes("app-1", "DOWN L7STS", Instant::now());
    assert!(first.probes().is_empty(), "{:?}", first.probes());
}

#[test]
fn refuses_when_no_service_is_ready() {
    let (mut proxy, services) = started::<HaProxy>();
    assert_eq!(proxy.door.code("GET", "/"), 200);
    for service in &services {
        service.set_ready(false);
    }
    for server in ["app-1", "app-2"] {
        proxy.becomes(server, "DOWN L7STS", Instant::now());
    }
    assert_eq!(proxy.door.code("GET", "/"), 503);
}

/// The probe of `option httpchk` with a path and nothing else.
#[test]
fn asks_as_it_does_when_it_is_told_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("bare.cfg");
    let text = r#"
global
    stats socket "${STATS_SOCKET}"
defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
frontend web
    bind "${BIND}"
    default_backend app
backend app
    option httpchk /z/health/readiness
    default-server check inter "${CHECK_INTERVAL}"
    server app-1 "${APP_1}"
    server app-2 "${APP_2}"
"#;
    fs::write(&config, text).unwrap();
    let [first, second] = ["app-1", "app-2"].map(Service::start);
    let mut proxy = HaProxy::with(&config, [first.address, second.address], &OFTEN);
    proxy.becomes("app-1", "UP L7OK", Instant::now());
    first.set_ready(false);
    proxy.becomes("app-1", "DOWN L7STS", Instant::now());
    first.set_ready(true);
    proxy.becomes("app-1", "UP L7OK", Instant::now());
    let asked = "OPTIONS HTTP/1.0 host - agent -";
    assert!(first.probes().iter().all(|probe| probe == asked), "{:?}", first.probes());
}
