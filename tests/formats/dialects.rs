//! What Envoy, Consul and HAProxy understand beside 200 and 503.

use super::*;
use management_core::{Config, Dialect};

fn of(dialects: &[Dialect], status: Status) -> (Management, Endpoint) {
    let check = Check::new("db", move || std::future::ready(status)).readiness().groups(["mesh"]);
    let builder = dialects.iter().fold(Management::builder(), |builder, one| builder.dialect(*one));
    let management = builder
        .kubernetes_paths()
        .drain_delay(Duration::from_secs(60))
        .check(check)
        .group("mesh", |mesh| mesh.include("availability"))
        .build()
        .unwrap();
    let endpoint = Endpoint::new(&management);
    (management, endpoint)
}

/// The code, and whether the two headers of Envoy are there.
async fn spoken(endpoint: &Endpoint, method: Method, uri: &str) -> (u16, bool, bool) {
    let response = ask(endpoint, method, uri, "").await;
    let has = |name| response.headers().contains_key(name);
    (
        response.status().as_u16(),
        has("x-envoy-degraded"),
        has("x-envoy-immediate-health-check-fail"),
    )
}

const GROUPS: [&str; 3] = ["/z/health", "/z/health/readiness", "/z/health/mesh"];

/// What no dialect changes.
const OTHERS: [&str; 7] = [
    "/z/health/liveness",
    "/z/health/startup",
    "/z/health/ping",
    "/z/health/db",
    "/readyz",
    "/healthz",
    "/z/info",
];

#[tokio::test(start_paused = true)]
async fn each_client_is_answered_in_its_own_way() {
    use Dialect::{Consul, Envoy, HaProxy};
    for (dialects, status, drains, expected) in [
        (&[][..], Status::Degraded, false, (200, false, false)),
        (&[], Status::Up, true, (503, false, false)),
        (&[Envoy], Status::Up, false, (200, false, false)),
        (&[Envoy], Status::Degraded, false, (200, true, false)),
        (&[Envoy], Status::Down, false, (503, false, false)),
        (&[Envoy], Status::Up, true, (503, false, true)),
        (&[Consul], Status::Up, false, (200, false, false)),
        (&[Consul], Status::Degraded, false, (429, false, false)),
        (&[Consul], Status::Down, false, (503, false, false)),
        (&[Consul], Status::Up, true, (503, false, false)),
        (&[HaProxy], Status::Degraded, false, (200, false, false)),
        (&[HaProxy], Status::Up, true, (404, false, false)),
        (&[HaProxy], Status::Down, true, (404, false, false)),
        (&[Envoy, Consul, HaProxy], Status::Degraded, false, (429, true, false)),
        (&[Envoy, Consul, HaProxy], Status::Up, true, (404, false, true)),
    ] {
        let (management, endpoint) = of(dialects, status);
        let (usual, plain) = of(&[], status);
        for management in [&management, &usual] {
            if drains {
                management.availability().drain("the test");
            }
        }
        for uri in GROUPS {
            for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
                let actual = spoken(&endpoint, method.clone(), uri).await;
                assert_eq!(actual, expected, "{method} {uri} {dialects:?} {status} {drains}");
            }
            // Twice, since the second one may be kept.
            assert_eq!(spoken(&endpoint, Method::GET, uri).await, expected, "{uri}");
            let (own, usual) = (get(&endpoint, uri, "").await, get(&plain, uri, "").await);
            assert_eq!(own.body(), usual.body(), "the body never changes");
        }
        for uri in OTHERS {
            let usual = spoken(&plain, Method::GET, uri).await;
            assert_eq!(spoken(&endpoint, Method::GET, uri).await, usual, "{uri} {dialects:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_has_dialects_of_its_own() {
    let builder = Management::builder()
        .dialect(Dialect::Consul)
        .check(Check::new("db", async || Status::Degraded).readiness())
        .group("readiness", |readiness| readiness.dialect(Dialect::Envoy))
        .group("mesh", |mesh| mesh.include("db"));
    let endpoint = Endpoint::new(&builder.build().unwrap());
    assert_eq!(spoken(&endpoint, Method::GET, "/z/health/readiness").await, (200, true, false));
    assert_eq!(spoken(&endpoint, Method::GET, "/z/health/mesh").await, (429, false, false));
    let configured: Config = serde_json::from_str(
        r#"{"dialects": ["consul"], "groups": {"readiness": {"dialects": []}, "mesh": {"include": ["db"]}}}"#,
    )
    .unwrap();
    let builder = Management::builder()
        .config(configured)
        .check(Check::new("db", async || Status::Degraded).readiness());
    let endpoint = Endpoint::new(&builder.build().unwrap());
    assert_eq!(spoken(&endpoint, Method::GET, "/z/health/readiness").await, (200, false, false));
    assert_eq!(spoken(&endpoint, Method::GET, "/z/health/mesh").await, (429, false, false));
}

#[test]
fn kubelet_is_never_told_in_a_dialect() {
    for probe in ["liveness", "startup"] {
        let error = Management::builder()
            .group(probe, |group| group.dialect(Dialect::Envoy))
            .build()
            .unwrap_err()
            .to_string();
        assert!(error.contains(probe) && error.contains("has no dialect"), "{error}");
    }
    let error =
        serde_json::from_str::<Config>(r#"{"dialects": ["envoi"]}"#).unwrap_err().to_string();
    assert!(error.contains("dialects") && error.contains("`envoy`"), "{error}");
}

/// What the program calls a failure is no warning, and what it calls a success is none that ends.
#[tokio::test(start_paused = true)]
async fn codes_of_the_program_come_first() {
    let of = |dialect, status: Status, mapped, code| {
        let check = Check::new("db", move || std::future::ready(status)).readiness();
        let builder = Management::builder().dialect(dialect).status_code(mapped, code).check(check);
        builder.build().unwrap()
    };
    for dialect in [Dialect::Envoy, Dialect::Consul] {
        let management = of(dialect, Status::Degraded, Status::Degraded, 503);
        let answer = spoken(&Endpoint::new(&management), Method::GET, "/z/health").await;
        assert_eq!(answer, (503, false, false), "{dialect:?}");
    }
    for dialect in [Dialect::Envoy, Dialect::HaProxy] {
        let management = of(dialect, Status::Up, Status::OutOfService, 200);
        management.availability().drain("the test");
        let answer = spoken(&Endpoint::new(&management), Method::GET, "/z/health").await;
        assert_eq!(answer, (200, false, false), "{dialect:?}");
    }
}

/// Its draft demands that the body and the code agree.
#[tokio::test(start_paused = true)]
async fn health_json_agrees_with_the_code_of_a_dialect() {
    for (dialect, word) in [(Dialect::Consul, "fail"), (Dialect::Envoy, "warn")] {
        let (_, endpoint) = of(&[dialect], Status::Degraded);
        for uri in GROUPS {
            let response = get(&endpoint, uri, HEALTH_JSON).await;
            assert_eq!(response.status().is_success(), word == "warn", "{uri}");
            assert_eq!(json(&response)["status"], word, "{dialect:?} {uri}");
            // The other formats have a status for it.
            assert_eq!(json(&get(&endpoint, uri, V3).await)["status"], "DEGRADED", "{uri}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_listener_has_dialects_of_its_own() {
    let configured = r#"{"dialects": ["envoy"], "listener_dialects": ["consul"],
        "groups": {"mesh": {"include": ["db"], "dialects": ["envoy"]}}}"#;
    let configured: Config = serde_json::from_str(configured).unwrap();
    let set = |builder: Builder| {
        let check = Check::new("db", async || Status::Degraded).readiness();
        builder.check(check).build().unwrap()
    };
    for management in [
        set(Management::builder().config(configured)),
        set(Management::builder()
            .dialect(Dialect::Envoy)
            .listener_dialect(Dialect::Consul)
            .group("mesh", |mesh| mesh.include("db").dialect(Dialect::Envoy))),
    ] {
        let application = Endpoint::new(&management);
        let listener = Endpoint::on_management_port(&management);
        for (uri, on_listener) in [
            ("/z/health", (429, false, false)),
            ("/z/health/readiness", (429, false, false)),
            ("/z/health/mesh", (200, true, false)),
        ] {
            assert_eq!(spoken(&application, Method::GET, uri).await, (200, true, false), "{uri}");
            assert_eq!(spoken(&listener, Method::GET, uri).await, on_listener, "{uri}");
        }
        // kubelet asks these, wherever they are.
        for uri in ["/z/health/liveness", "/z/health/startup"] {
            assert_eq!(spoken(&listener, Method::GET, uri).await, (200, false, false), "{uri}");
        }
    }
}
