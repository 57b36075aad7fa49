//! `check_http` of the monitoring plugins, which Nagios and Icinga run.

use std::process::{Command, Stdio};

use crate::program;
use crate::service::Service;

/// The exit code of `check_http`, and the line that it prints.
fn check(service: &Service, arguments: &[&str]) -> (i32, String) {
    let package = "the Debian package monitoring-plugins-basic";
    let mut command = Command::new(program("check_http", package));
    command.args(["-I", "127.0.0.1", "-p", &service.address.port().to_string(), "-t", "30"]);
    command.args(["-u", "/z/health/readiness"]).args(arguments).stdin(Stdio::null());
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    (output.status.code().expect("it exits"), said)
}

#[test]
fn judge_by_the_code() {
    let service = Service::start("app");
    let ways: [&[&str]; 4] = [&[], &["-H", "shop.example"], &["-N"], &["-j", "HEAD"]];
    for way in ways {
        service.set_ready(true);
        let (code, said) = check(&service, way);
        assert_eq!(code, 0, "{way:?}: {said}");
        assert!(said.starts_with("HTTP OK: HTTP/1.") && said.contains(" 200 OK "), "{said}");

        service.set_ready(false);
        let (code, said) = check(&service, way);
        assert_eq!(code, 2, "{way:?}: {said}");
        assert!(said.starts_with("HTTP CRITICAL: HTTP/1."), "{said}");
        assert!(said.contains(" 503 Service Unavailable "), "{said}");
    }
    let probes = service.probes();
    let without = probes.iter().filter(|probe| probe.starts_with("GET HTTP/1.0 host - "));
    let with = probes.iter().filter(|probe| probe.starts_with("GET HTTP/1.1 host shop.example"));
    let head = probes.iter().filter(|probe| probe.starts_with("HEAD "));
    assert_eq!((without.count(), with.count(), head.count()), (4, 2, 2), "{probes:?}");
}

/// The plugins can look into the body, too.
#[test]
fn judge_by_the_body() {
    let service = Service::start("app");
    let up = ["-s", r#""status":"UP""#];
    let (code, said) = check(&service, &up);
    assert_eq!(code, 0, "{said}");
    let (code, said) = check(&service, &["-s", r#""status":"DOWN""#]);
    assert_eq!(code, 2, "{said}");
    service.set_ready(false);
    // With 503 expected, only the body decides.
    let (code, said) = check(&service, &["-e", "503", "-s", r#""status":"DOWN""#]);
    assert_eq!(code, 0, "{said}");
    let (code, said) = check(&service, &["-e", "503", up[0], up[1]]);
    assert_eq!(code, 2, "{said}");
}
