//! What the dialects of `Dialect` do to the programs that speak them.

use std::fs;
use std::time::{Duration, Instant};

use management_axum::Dialect;

use crate::envoy::Envoy;
use crate::haproxy::HaProxy;
use crate::proxy::Proxy;
use crate::service::Service;
use crate::traffic::{self, Traffic};
use crate::{eventually, readdressed};

/// Longer than each of them needs to notice a drain.
const DRAIN_DELAY: Duration = Duration::from_secs(6);

#[test]
fn envoy_knows_a_degraded_service_and_excludes_a_draining_one_at_once() {
    let mut first = Service::speaking("app-1", Dialect::Envoy, DRAIN_DELAY);
    let second = Service::start("app-2");
    let mut envoy = Envoy::start([first.address, second.address]);
    first.set_degraded(true);
    envoy.has(first.address, "failed_active_degraded_check");
    envoy.has_not(first.address, "failed_active_health_check");
    // Its share of the requests is now what the healthy one cannot take: 30 % instead of half, since Envoy gives that one
    // 1.4 times its own. The admin interface is ahead of the worker threads.
    eventually("fewer requests for the degraded service", || {
        let before = first.requests();
        (0..200).for_each(|_| assert_eq!(envoy.door().code("GET", "/"), 200));
        let share = first.requests() - before;
        println!("{share} of 200 requests");
        (20..80).contains(&share).then_some(())
    });
    first.set_degraded(false);
    envoy.has_not(first.address, "failed_active_degraded_check");

    let before = first.probes().len();
    first.drain();
    envoy.has(first.address, "excluded_via_immediate_hc_fail");
    let failed = first.probes().len() - before;
    assert!(failed <= 2, "the first answer of the drain is enough, and not three: {failed}");
    // It no longer counts as one that is missing. It gets requests until it has failed as often as the file asks for.
    envoy.becomes(first.address, "not ready", Instant::now());
    let failed = first.probes().len() - before;
    assert!((3..=4).contains(&failed), "{failed}");
    first.ends();
}

/// With the line that `deploy/haproxy.cfg` has as a comment.
#[test]
fn haproxy_sends_a_draining_service_no_new_clients() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("haproxy.cfg");
    let line = "http-check disable-on-404";
    let text = readdressed("haproxy.cfg", &[(&format!("# {line}\n"), format!("{line}\n"))]);
    fs::write(&config, text).unwrap();
    let mut first = Service::speaking("app-1", Dialect::HaProxy, DRAIN_DELAY);
    let second = Service::start("app-2");
    // So seldom that probes can be counted.
    let seldom = [("CHECK_INTERVAL", "1s")];
    let mut proxy = HaProxy::with(&config, [first.address, second.address], &seldom);
    proxy.becomes("app-1", "UP L7OK", Instant::now());
    proxy.becomes("app-2", "UP L7OK", Instant::now());
    // Without a drain, a failure is a failure.
    first.set_ready(false);
    proxy.becomes("app-1", "DOWN L7STS", Instant::now());
    first.set_ready(true);
    proxy.becomes("app-1", "UP L7OK", Instant::now());
    let traffic = Traffic::start(proxy.door(), "POST");
    traffic::gets_more(&first, 50);
    let before = first.probes().len();
    first.drain();
    proxy.becomes("app-1", "NOLB L7OKC", Instant::now());
    assert_eq!(first.probes().len() - before, 1, "without the dialect, it takes three answers");
    traffic::only_the_second_is_asked(&first, &second);
    first.ends();
    println!("{} requests, none lost", traffic.end());
}
