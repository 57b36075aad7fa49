//! What every proxy does with the services behind it.

use std::net::SocketAddr;
use std::time::Duration;

use crate::Door;
use crate::service::Service;
use crate::traffic::{self, Traffic};

/// A proxy with the file of `deploy`, in front of two services.
pub(crate) trait Proxy: Sized {
    /// Paths that are, or might be taken for, management endpoints. All of them are hidden.
    const HIDDEN: &[&str];

    /// Passes requests on. If it probes, it has found both services ready.
    fn start(apps: [SocketAddr; 2]) -> Self;

    /// Learns that a service is gone from the requests that it passes on, if the proxy can be set so.
    fn without_probes(apps: [SocketAddr; 2]) -> Self {
        Self::start(apps)
    }

    /// Where clients connect.
    fn door(&self) -> &Door;
}

/// A proxy that asks whether services are ready.
pub(crate) trait Probing: Proxy {
    /// As long as the file of `deploy` asks for, or longer.
    const DRAIN_DELAY: Duration;

    /// Waits until the proxy has found that the service is not ready.
    fn takes_out(&mut self, service: &Service);
}

/// A proxy in front of two services that are ready.
pub(crate) fn started<P: Proxy>() -> (P, [Service; 2]) {
    let services = ["app-1", "app-2"].map(Service::start);
    (P::start(addresses(&services)), services)
}

pub(crate) fn addresses([first, second]: &[Service; 2]) -> [SocketAddr; 2] {
    [first.address, second.address]
}

fn sends_a_request_to_the_other_service_where_one_is_gone<P: Proxy>() {
    let mut services = ["app-1", "app-2"].map(Service::start);
    let proxy = P::without_probes(addresses(&services));
    traffic::nothing_is_lost_when_one_vanishes(proxy.door(), &mut services);
}

fn sends_again_what_can_be_sent_again<P: Proxy>() {
    traffic::through_cut_connections(|apps| {
        let proxy = P::without_probes(apps);
        let door = proxy.door().clone();
        (proxy, door)
    });
}

fn shows_nobody_the_management_endpoints<P: Proxy>() {
    let (proxy, _services) = started::<P>();
    for path in P::HIDDEN {
        for method in ["GET", "POST", "OPTIONS"] {
            assert_eq!(proxy.door().code(method, path), 404, "{method} {path}");
        }
    }
    assert_eq!(proxy.door().code("GET", "/zebra"), 200);
}

/// With POSTs, none of which is sent again.
fn sees_a_drain_in_time<P: Probing>() {
    let mut first = Service::draining("app-1", P::DRAIN_DELAY);
    let second = Service::start("app-2");
    let mut proxy = P::start([first.address, second.address]);
    let traffic = Traffic::start(proxy.door(), "POST");
    traffic::gets_more(&first, 50);
    first.drain();
    proxy.takes_out(&first);
    traffic::only_the_second_is_asked(&first, &second);
    assert!(!first.has_ended(), "out too late");
    first.ends();
    traffic::gets_more(&second, 50);
    println!("drained: {} requests, none lost", traffic.end());
}

/// A test of each of these functions, for each of these proxies.
macro_rules! tests {
    ($($module:ident: $proxy:ty => $($test:ident)+;)+) => {$(
        mod $module {
            $(
                #[test]
                fn $test() {
                    super::$test::<$proxy>();
                }
            )+
        }
    )+};
}

tests! {
    envoy: crate::envoy::Envoy =>
        sends_a_request_to_the_other_service_where_one_is_gone
        sends_again_what_can_be_sent_again
        shows_nobody_the_management_endpoints
        sees_a_drain_in_time;
    haproxy: crate::haproxy::HaProxy =>
        sends_a_request_to_the_other_service_where_one_is_gone
        sends_again_what_can_be_sent_again
        shows_nobody_the_management_endpoints
        sees_a_drain_in_time;
    nginx: crate::nginx::Nginx =>
        sends_a_request_to_the_other_service_where_one_is_gone
        sends_again_what_can_be_sent_again
        shows_nobody_the_management_endpoints;
}
