//! nginx, with `deploy/nginx.conf`, in which only the addresses differ.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::proxy::{Proxy, started};
use crate::service::Service;
use crate::traffic::{self, Traffic};
use crate::{Door, Running, eventually, program, readdressed};

pub(crate) struct Nginx {
    _running: Running,
    door: Door,
    _folder: TempDir,
}

impl Proxy for Nginx {
    const HIDDEN: &[&str] =
        &["/z", "/z/", "/z/health/readiness", "//z/health", "/%7A/health", "/x/../z/info"];

    fn start([first, second]: [SocketAddr; 2]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let front = path.join("front");
        let file = readdressed(
            "nginx.conf",
            &[
                ("server 127.0.0.1:8080 ", format!("server {first} ")),
                ("server 127.0.0.1:8090 ", format!("server {second} ")),
                ("listen 8000;", format!("listen unix:{};", front.display())),
            ],
        );
        fs::write(path.join("app.conf"), file).unwrap();
        // Debian's own nginx.conf sets these folders. Here they are in a place that any user may write to.
        let mut http = String::from("access_log off;\n");
        for kind in ["client_body", "proxy", "fastcgi", "scgi", "uwsgi"] {
            http += &format!("{kind}_temp_path {kind};\n");
        }
        let main = format!("events {{}}\nhttp {{\n{http}include app.conf;\n}}\n");
        fs::write(path.join("nginx.conf"), main).unwrap();
        let mut command = Command::new(program("nginx", "the Debian package nginx-light"));
        // One process, which ends with this test.
        command.args(["-g", "daemon off; master_process off; pid nginx.pid;", "-e", "stderr"]);
        command.arg("-p").arg(path).arg("-c").arg(path.join("nginx.conf"));
        let mut running = Running::start(&mut command, path);
        let door = Door::Socket(front);
        eventually("nginx listens", || {
            running.is_running();
            door.connect().ok()
        });
        Nginx { _running: running, door, _folder: folder }
    }

    fn door(&self) -> &Door {
        &self.door
    }
}

#[test]
fn passes_requests_on_to_both_and_asks_neither_whether_it_is_ready() {
    let (nginx, services) = started::<Nginx>();
    for method in ["GET", "POST"] {
        let mut answers = ["/", "/"].map(|path| nginx.door.ask(method, path).unwrap().body);
        answers.sort();
        assert_eq!(answers, ["app-1", "app-2"]);
    }
    assert_eq!(nginx.door.code("GET", "/z/health/readiness"), 404);
    assert_eq!(services[0].door().code("GET", "/z/health/readiness"), 200);
    assert!(services[1].probes().is_empty(), "{:?}", services[1].probes());
}

#[test]
fn passes_requests_on_to_a_service_that_has_come_back() {
    let (nginx, [mut first, second]) = started::<Nginx>();
    let traffic = Traffic::start(&nginx.door, "GET");
    first.stop();
    traffic::gets_more(&second, 100);
    first.serve();
    // Some seconds later.
    traffic::gets_more(&first, 50);
    traffic.end();
}

/// nginx sends requests to the draining service until it is gone. It sends a GET that meets the end to the other one,
/// but would not do so with a POST.
#[test]
fn loses_nothing_in_a_drain_that_it_does_not_see() {
    let mut first = Service::draining("app-1", Duration::from_millis(300));
    let second = Service::start("app-2");
    let nginx = Nginx::start([first.address, second.address]);
    let traffic = Traffic::start(&nginx.door, "GET");
    traffic::gets_more(&first, 50);
    first.drain();
    traffic::gets_more(&first, 20);
    first.ends();
    traffic::gets_more(&second, 50);
    println!("drained: {} requests, none lost", traffic.end());
}

/// nginx has no probes, as the comment in the file warns.
#[test]
fn does_not_see_that_a_service_is_not_ready() {
    let (nginx, [first, _second]) = started::<Nginx>();
    first.set_ready(false);
    assert_eq!(first.door().code("GET", "/z/health/readiness"), 503);
    let traffic = Traffic::start(&nginx.door, "GET");
    traffic::gets_more(&first, 50);
    traffic.end();
}
