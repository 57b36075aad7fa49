//! Services that need each other, over real sockets.

#[allow(dead_code, unreachable_pub, reason = "the test takes the place of its `main`")]
#[path = "../examples/cascade/main.rs"]
mod example;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::Request;
use example::{Graph, Service, ask, ask_all};
use management_axum::{Builder, Check, Config, Dependency, Management, Status};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

const GRAPHS: [&str; 8] = [
    "pair",
    "chain 10",
    "circle 1",
    "circle 2",
    "circle 5",
    "A-B,A-C,B-C,C-B",
    "diamond 3 4",
    "diamond 4 6",
];

const HEALTH: &str = "/z/health";
const READINESS: &str = "/z/health/readiness";
const MARK: &str = "management-cascade: 1\r\n";

/// So long that nothing is asked twice in a test.
const HOUR: Duration = Duration::from_secs(3600);
const BEAT: Duration = Duration::from_millis(100);

/// Longer than anything may take on a machine with too much to do.
const PATIENCE: Duration = Duration::from_secs(30);

async fn start(graph: &Graph, configure: impl Fn(Builder) -> Builder) -> Vec<Service> {
    graph.start(|_, builder| configure(builder)).await.unwrap()
}

fn calls(services: &[Service]) -> usize {
    services.iter().map(Service::calls).sum()
}

fn named<'a>(services: &'a [Service], name: &str) -> &'a Service {
    services.iter().find(|service| service.name == name).unwrap()
}

/// The code and the body of an answer.
fn parsed(answer: &str) -> (u16, Value) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let code = head.split(' ').nth(1).unwrap().parse().unwrap();
    (code, serde_json::from_str(body).unwrap())
}

/// Asks one service, and gives the code and the body.
async fn told(address: SocketAddr, path: &str, headers: &str) -> (u16, Value) {
    parsed(&ask(address, path, headers).await.unwrap())
}

/// Asks all services at once, and gives the names of those that are not UP.
async fn failing(services: &[Service], path: &'static str) -> BTreeSet<String> {
    let answers = ask_all(services, path).await.unwrap();
    let mut failing = BTreeSet::new();
    for (service, (answer, _)) in services.iter().zip(answers) {
        match parsed(&answer) {
            (200, body) if body["status"] == "UP" => {}
            (503, body) if body["status"] == "DOWN" => {
                failing.insert(service.name.clone());
            }
            _ => panic!("{}: {answer}", service.name),
        }
    }
    failing
}

/// Asks all services at once until these are the ones that fail.
async fn settled(services: &[Service], path: &'static str, expected: &BTreeSet<String>) {
    let began = Instant::now();
    loop {
        let failing = failing(services, path).await;
        if failing == *expected {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{failing:?} fail, and not {expected:?}");
        tokio::task::yield_now().await;
    }
}

fn config(json: Value) -> Config {
    serde_json::from_value(json).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_prober_at_each_service_all_are_up_and_each_edge_costs_one_call() {
    for description in GRAPHS {
        let graph = Graph::parse(description).unwrap();
        let services = start(&graph, |builder| builder).await;
        for (answer, took) in ask_all(&services, HEALTH).await.unwrap() {
            let (code, body) = parsed(&answer);
            // With the budget spent, it would be UNKNOWN.
            assert_eq!((code, &body["status"]), (200, &json!("UP")), "{description}: {body}");
            assert!(took < PATIENCE, "{description}: {took:?}");
        }
        assert_eq!(calls(&services), graph.edges(), "{description}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_kept_costs_no_call() {
    for description in GRAPHS {
        let graph = Graph::parse(description).unwrap();
        // Nobody is asked before `interval` has passed but once, unasked.
        let kept: [fn(Builder) -> Builder; 2] =
            [|builder| builder.ttl(HOUR), |builder| builder.interval(HOUR)];
        for configure in kept {
            let services = start(&graph, configure).await;
            for _ in 0..3 {
                assert_eq!(failing(&services, HEALTH).await, BTreeSet::new(), "{description}");
                assert_eq!(calls(&services), graph.edges(), "{description}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_nothing_kept_each_round_of_probes_costs_one_call_an_edge() {
    for description in GRAPHS {
        let graph = Graph::parse(description).unwrap();
        let services = start(&graph, |builder| builder.ttl(Duration::ZERO)).await;
        for round in 1..=3 {
            assert_eq!(failing(&services, HEALTH).await, BTreeSet::new(), "{description}");
            assert_eq!(calls(&services), round * graph.edges(), "{description}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_the_background_each_beat_costs_one_call_an_edge() {
    for description in GRAPHS {
        let graph = Graph::parse(description).unwrap();
        let began = Instant::now();
        let services = start(&graph, |builder| builder.interval(BEAT)).await;
        while calls(&services) < 2 * graph.edges() {
            assert_eq!(failing(&services, HEALTH).await, BTreeSet::new(), "{description}");
            assert!(began.elapsed() < PATIENCE, "{description}: no beats");
        }
        let calls = calls(&services);
        // A beat may be early by a tenth.
        let beats = 1 + began.elapsed().div_duration_f64(BEAT.mul_f64(0.9)) as usize;
        assert!(calls <= beats * graph.edges(), "{description}: {calls} in {beats} beats");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_probe_costs_one_call_for_each_own_dependency_at_any_depth() {
    for (description, first, cost) in [
        ("chain 50", "1", 1),
        ("diamond 4 6", "1", 4),
        ("diamond 4 6", "2", 4),
        ("circle 1", "1", 1),
    ] {
        let graph = Graph::parse(description).unwrap();
        let services = start(&graph, |builder| builder.ttl(Duration::ZERO)).await;
        for round in 1..=3 {
            told(named(&services, first).address, HEALTH, "").await;
            for service in &services {
                let is_needed = graph.needs[first].contains(&service.name);
                let expected = if is_needed { round } else { 0 };
                assert_eq!(service.calls(), expected, "{description}: {}", service.name);
            }
            assert_eq!(calls(&services), round * cost, "{description}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_probers_at_once_cost_what_one_does() {
    let graph = Graph::parse("diamond 4 3").unwrap();
    let services = start(&graph, |builder| builder.ttl(HOUR)).await;
    let address = named(&services, "1").address;
    let probers: Vec<_> =
        (0..50).map(|_| tokio::spawn(async move { told(address, HEALTH, "").await })).collect();
    for prober in probers {
        assert_eq!(prober.await.unwrap().0, 200);
    }
    assert_eq!(calls(&services), 4);
}

/// How the results of a fault's end come.
#[derive(Clone, Copy, Debug)]
enum Schedule {
    Ttl(Duration),
    Interval,
}

/// Makes one service fail for a while, and watches who fails with it, and for how long.
async fn outage(description: &str, member: &str, schedule: Schedule, cascades: bool) {
    let graph = Graph::parse(description).unwrap();
    let at = format!("{description}, {schedule:?}, cascades: {cascades}");
    let path = if cascades { READINESS } else { HEALTH };
    let services = graph
        .start(|name, builder| {
            // On a machine with too much to do, late is not DOWN here.
            let builder = builder.timeout(PATIENCE).probe_budget(PATIENCE).health_budget(PATIENCE);
            let builder = match schedule {
                Schedule::Ttl(ttl) => builder.ttl(ttl),
                Schedule::Interval => builder.interval(BEAT),
            };
            match cascades {
                true => cascading(builder, &graph.needs[name]),
                false => builder,
            }
        })
        .await
        .unwrap();
    let nobody = BTreeSet::new();
    settled(&services, path, &nobody).await;

    // Itself, and those that need it; those that need them are UP.
    let needs_it = |name: &&String| *name == member || graph.needs[*name].contains(member);
    let affected: BTreeSet<_> = graph.needs.keys().filter(needs_it).cloned().collect();
    let failed = named(&services, member);
    failed.is_down.store(true, Ordering::SeqCst);
    settled(&services, path, &affected).await;
    let before = failed.calls();
    let began = Instant::now();
    while failed.calls() < before + 10 {
        assert_eq!(failing(&services, path).await, affected, "{at}");
        assert!(began.elapsed() < PATIENCE, "{at}: nobody asks");
    }
    for service in &services {
        let own = told(service.address, path, MARK).await.0;
        assert_eq!(own == 503, service.name == member, "{at}: {}", service.name);
    }

    let mut watching: BTreeMap<_, _> =
        services.iter().map(|service| (&*service.name, service.management.subscribe())).collect();
    failed.is_down.store(false, Ordering::SeqCst);
    if let Schedule::Interval = schedule {
        // The first beat: its own check. The next of whoever needs it is then the last that can fail.
        let own = watching.get_mut(member).unwrap();
        let recovers = async {
            loop {
                let result = own.recv().await.unwrap();
                if result.name() == "own" && result.status() == Status::Up {
                    break;
                }
            }
        };
        tokio::time::timeout(PATIENCE, recovers).await.expect("its own check recovers");
        for (name, results) in &mut watching {
            *results = named(&services, name).management.subscribe();
        }
    }
    settled(&services, path, &nobody).await;
    let most = match schedule {
        Schedule::Ttl(Duration::ZERO) => 0,
        Schedule::Ttl(_) => 1,
        // `/health` and readiness ask apart.
        Schedule::Interval => 1 + usize::from(cascades),
    };
    for (name, results) in &mut watching {
        let mut failures = BTreeMap::<_, usize>::new();
        while let Ok(result) = results.try_recv() {
            if result.status() != Status::Up {
                *failures.entry(result.name().to_owned()).or_default() += 1;
            }
        }
        for (check, failures) in failures {
            assert!(check == member && failures <= most, "{at}: {check} of {name}, {failures}");
        }
    }
    // And it stays so.
    for _ in 0..3 {
        assert_eq!(failing(&services, path).await, nobody, "{at}");
    }
}

const CIRCLES: [(&str, &str); 5] = [
    ("circle 1", "1"),
    ("circle 2", "1"),
    ("circle 3", "2"),
    ("circle 5", "4"),
    ("A-B,A-C,B-C,C-B", "C"),
];

/// Makes a member of each circle fail, in all circles at once.
async fn outages(schedule: Schedule) {
    let mut outages = JoinSet::new();
    for (circle, member) in CIRCLES {
        for cascades in [false, true] {
            outages.spawn(outage(circle, member, schedule, cascades));
        }
    }
    outages.join_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_circle_is_up_at_once_where_nothing_is_kept() {
    outages(Schedule::Ttl(Duration::ZERO)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_circle_is_up_when_a_ttl_has_passed_twice() {
    outages(Schedule::Ttl(BEAT)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_circle_is_up_after_two_beats() {
    outages(Schedule::Interval).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forged_header_changes_the_answer_of_its_sender_alone() {
    let own = json!({"status": "UP", "components": {"own": {"status": "UP"}}});
    let forged = [
        (HEALTH, MARK, own.clone()),
        (HEALTH, "Management-Cascade: 0\r\n", own.clone()),
        (HEALTH, "management-cascade:\r\n", own.clone()),
        ("/z/health?verbose", MARK, own.clone()),
        ("/z/health?exclude=2", MARK, own.clone()),
        ("/z/health?exclude=own", MARK, json!({"status": "UP", "components": {}})),
        ("/z/health/readiness?verbose", MARK, own),
        (READINESS, MARK, json!({"status": "UP"})),
    ];
    let graph = Graph::parse("circle 3").unwrap();
    let start = async || {
        let cascades =
            |name: &str, builder: Builder| cascading(builder.ttl(HOUR), &graph.needs[name]);
        let services = graph.start(cascades).await.unwrap();
        // Readiness asks once, unasked.
        settled(&services, READINESS, &BTreeSet::new()).await;
        assert_eq!(calls(&services), 3);
        services
    };
    // Before anybody else has asked, nothing of it is kept for others.
    let services = start().await;
    let address = services[0].address;
    for (path, header, expected) in &forged {
        assert_eq!(told(address, path, header).await, (200, expected.clone()), "{path} {header}");
    }
    assert_eq!(services[1].calls(), 1);
    let (_, health) = told(address, HEALTH, "").await;
    assert_eq!(health["components"]["2"]["components"], json!({"own": {"status": "UP"}}));

    // Nor is it answered with what is kept for others.
    let services = start().await;
    let address = services[0].address;
    let paths = [HEALTH, "/z/health?verbose", READINESS, "/z/health/readiness?verbose"];
    let mut before = Vec::new();
    for path in paths {
        before.push(told(address, path, "").await);
    }
    assert_eq!(services[1].calls(), 2, "for readiness and for `/health`");
    for (path, header, expected) in &forged {
        assert_eq!(told(address, path, header).await, (200, expected.clone()), "{path} {header}");
    }
    for (path, before) in paths.iter().zip(before) {
        assert_eq!(told(address, path, "").await, before, "{path}");
    }
    assert_eq!(services[1].calls(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dependency_is_not_asked_on_behalf_of_a_service() {
    let services = start(&Graph::parse("circle 2").unwrap(), |builder| builder.ttl(HOUR)).await;
    let (address, asked) = (services[0].address, &services[1]);
    for path in ["/z/health/2", "/z/health/2/", "/z/health/%32", "/z/health/2?verbose"] {
        let answer = ask(address, path, MARK).await.unwrap();
        assert!(answer.contains("content-type: application/problem+json\r\n"), "{answer}");
        assert_eq!(parsed(&answer).0, 404);
    }
    assert_eq!(told(address, "/z/health/own", MARK).await.0, 200);
    assert_eq!(asked.calls(), 0);
    let components = json!({"own": {"status": "UP"}});
    let body = json!({"status": "UP", "components": components});
    assert_eq!(told(address, "/z/health/2", "").await, (200, body));
    assert_eq!(asked.calls(), 1);
    assert_eq!(told(address, "/z/health/2", MARK).await.0, 404, "nor is it told");
}

/// Were the answer to a service to wait for what the service that asks waits for, nobody could go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_is_answered_while_dependencies_are_being_asked() {
    let held = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = held.local_addr().unwrap().to_string();
    let graph = Graph::parse("A-B,B-A").unwrap();
    let with_held = |name: &str, builder: Builder| match name {
        "A" => {
            let held = Dependency::new(&address).timeout(PATIENCE);
            builder.health_budget(PATIENCE).service_dependency("held", held)
        }
        _ => builder,
    };
    let services = graph.start(with_held).await.unwrap();
    let (a, b) = (services[0].address, services[1].address);
    let waiting = tokio::spawn(async move { told(a, HEALTH, "").await });
    let (mut stream, _) = held.accept().await.unwrap();

    let (code, body) = told(b, HEALTH, "").await;
    assert_eq!((code, &body["components"]["A"]["status"]), (200, &json!("UP")));
    assert_eq!(told(a, HEALTH, MARK).await.0, 200);
    assert!(!waiting.is_finished());

    let mut asked = [0; 4096];
    let length = stream.read(&mut asked).await.unwrap();
    assert!(asked[..length].starts_with(b"GET /z/health HTTP/1.1\r\n"));
    let answer = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nok";
    stream.write_all(answer).await.unwrap();
    let (code, body) = waiting.await.unwrap();
    assert_eq!((code, &body["components"]["held"]), (200, &json!({"status": "UP"})));
    // One of them is this test's own.
    assert_eq!((services[0].calls(), services[1].calls()), (2, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn probes_ask_no_dependency_that_is_not_named() {
    let services =
        start(&Graph::parse("circle 3").unwrap(), |builder| builder.ttl(Duration::ZERO)).await;
    let paths = [READINESS, "/z/health/liveness", "/z/health/ping", "/z/health/startup"];
    for path in paths {
        assert_eq!(failing(&services, path).await, BTreeSet::new());
        told(services[0].address, &format!("{path}?verbose"), "").await;
    }
    assert_eq!(calls(&services), 0);
    for path in paths {
        told(services[0].address, path, MARK).await;
    }
    assert_eq!(calls(&services), paths.len(), "this test's own");
}

/// Lets readiness ask these dependencies, too.
fn cascading(builder: Builder, names: impl serde::Serialize) -> Builder {
    builder.config(config(json!({"cascade": {"readiness": names}})))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readiness_asks_for_readiness_where_a_dependency_is_named() {
    let graph = Graph::parse("A-B,A-C").unwrap();
    let named_b = |name: &str, builder: Builder| match name {
        "A" => cascading(builder.ttl(HOUR), ["B"]),
        // Ready for requests, and not well.
        "B" => builder.check(Check::new("disk", async || false)),
        _ => builder,
    };
    let services = graph.start(named_b).await.unwrap();
    let a = named(&services, "A").address;
    let up = json!({"status": "UP"});
    let b = json!({"status": "UP", "components": {"own": up}});
    assert_eq!(told(a, READINESS, "").await, (200, up.clone()));
    let (code, verbose) = told(a, "/z/health/readiness?verbose", "").await;
    assert_eq!(code, 200);
    assert_eq!(verbose["components"]["own"], up);
    assert_eq!(verbose["components"]["B"]["status"], b["status"]);
    assert!(verbose["components"].get("C").is_none(), "{verbose}");
    assert_eq!((named(&services, "B").calls(), named(&services, "C").calls()), (1, 0));

    for path in ["/z/health/liveness", "/z/health/startup"] {
        assert_eq!(told(a, path, "").await, (200, up.clone()));
    }
    assert_eq!(calls(&services), 1);
    assert_eq!(told(a, HEALTH, "").await.0, 503, "`/health` asks for all of it");
    assert_eq!((named(&services, "B").calls(), named(&services, "C").calls()), (2, 1));
    assert_eq!(told(a, READINESS, "").await.0, 200, "and readiness stays with its own question");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn configuration_can_name_what_readiness_asks() {
    let services = start(&Graph::parse("pair").unwrap(), |builder| builder).await;
    let users = named(&services, "2");
    let cascade: Config = serde_json::from_str(&format!(
        r#"{{"service_dependencies":{{"users":"{}"}},"cascade":{{"readiness":["users"]}}}}"#,
        users.address
    ))
    .unwrap();
    let management = Management::builder().config(cascade).build().unwrap();
    let report = management.readiness().await;
    let users_now = report.components().first().unwrap();
    assert_eq!((users_now.name(), users_now.status()), ("users", Status::Up));
    assert_eq!(users.calls(), 1);
    assert!(serde_json::from_str::<Config>(r#"{"cascade":{"ready":["users"]}}"#).is_err());

    let users = named(&services, "1");
    let dependency = json!({"url": users.address.to_string(), "readiness": true});
    let given = config(json!({"service_dependencies": {"users": dependency}}));
    let report = Management::builder().config(given).build().unwrap().readiness().await;
    assert_eq!(report.components().len(), 1);
    assert_eq!(users.calls(), 1);
}

#[test]
fn other_probes_and_other_names_are_refused() {
    let users = |cascade| {
        let builder = Management::builder().service_dependency("users", "users:80");
        builder.config(config(json!({ "cascade": cascade }))).build().unwrap_err()
    };
    for (probe, why) in [
        (
            "liveness",
            "`cascade` has `liveness`, but only `readiness` can ask dependencies: a restart of this \
             service does not repair another one",
        ),
        (
            "startup",
            "`cascade` has `startup`, but only `readiness` can ask dependencies: services that start \
             together would wait for each other",
        ),
    ] {
        // However few it names.
        for names in [json!(["users"]), json!([])] {
            let error = users(json!({ probe: names }));
            assert!(error.is_invalid());
            assert_eq!(error.mistakes(), [why]);
        }
    }
    let error = users(json!({"readiness": ["user"]}));
    assert!(error.is_absent());
    let why = "`cascade` has the unknown service dependency `user`; did you mean `users`?";
    assert_eq!(error.mistakes(), [why]);
    // A check of the program's own is none either.
    let own = Management::builder().check(Check::new("db", async || ()));
    let error = own.config(config(json!({"cascade": {"readiness": ["db"]}}))).build().unwrap_err();
    let why = "`cascade` has the unknown service dependency `db` (known: none)";
    assert_eq!(error.mistakes(), [why]);

    let given = config(json!({
        "service_dependencies": {"users": "users:80"},
        "cascade": {"liveness": ["users"], "readiness": ["orders"]},
    }));
    let error = Management::builder().config(given).build().unwrap_err();
    assert!(error.is_invalid() && error.is_absent(), "{error}");
    assert_eq!(error.mistakes().len(), 2);
}

const PROBERS: [(&str, &str, &str); 5] = [
    ("user-agent", "kube-probe/1.37", "kube-probe/1.37"),
    ("user-agent", "HAProxy/3.2", "HAProxy/3.2"),
    ("user-agent", "ELB-HealthChecker/2.0", "ELB-HealthChecker/2.0"),
    ("user-agent", "Envoy/HC", "Envoy/HC"),
    ("x-haproxy-server-state", "UP 2/3; name=bck/srv2; weight=1/2", "HAProxy"),
];

/// What is logged of probers that ask a service for this, each in this way.
async fn advice(builder: Builder, requests: &[(&str, &str, &str)]) -> Vec<String> {
    let lines = support::Lines::default();
    let _guard = lines.capture();
    let app = management_axum::router(&builder.build().unwrap());
    for &(path, header, value) in requests {
        let request = Request::get(path).header(header, value).body(Body::empty()).unwrap();
        support::send(&app, request).await;
    }
    lines.take().into_iter().filter(|line| line.contains("probes")).collect()
}

#[tokio::test]
async fn a_prober_that_asks_what_dependencies_fail_is_told_of_once() {
    // The listener is dropped at once.
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let needing = || Management::builder().service_dependency("users", &*nobody);
    for (header, value, name) in PROBERS {
        let line = format!(
            "WARN {name} probes /z/health, which fails whenever a service dependency fails: \
             probe /z/health/readiness instead"
        );
        let all = PROBERS.map(|(header, value, _)| (HEALTH, header, value));
        let mut requests = vec![(HEALTH, "user-agent", "curl/8.9.1"), (HEALTH, header, value)];
        requests.extend(all);
        assert_eq!(advice(needing(), &requests).await, [&*line]);
        assert_eq!(advice(needing(), &[("/z/health?verbose", header, value)]).await, [&*line]);

        for fine in [
            (READINESS, header, value),
            ("/z/health/liveness", header, value),
            ("/z/health?exclude=users", header, value),
            (HEALTH, "user-agent", "curl/8.9.1"),
            (HEALTH, "user-agent", "Mozilla/5.0 (like kube-probe/1.37)"),
        ] {
            assert_eq!(advice(needing(), &[fine]).await, [""; 0], "{fine:?}");
        }
        let alone = Management::builder().check(Check::new("db", async || ()));
        assert_eq!(advice(alone, &[(HEALTH, header, value)]).await, [""; 0]);
    }
}

#[tokio::test]
async fn a_user_agent_has_a_kibibyte_of_the_log() {
    let agent = format!("kube-probe/1 {}", "x".repeat(5000));
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let needing = Management::builder().service_dependency("users", closed);
    let said = advice(needing, &[(HEALTH, "user-agent", &agent)]).await;
    assert!(said[0].starts_with("WARN kube-probe/1 xxx") && said[0].len() < 1200, "{said:?}");
}

#[test]
fn what_describes_no_graph_is_refused() {
    for (description, why) in [
        ("", "`` describes no graph"),
        ("ring 3", "`ring 3` describes no graph"),
        ("chain 1", "`chain 1` describes no graph"),
        ("circle 0", "`0` is no number from 1 to 180"),
        ("circle", "`circle` describes no graph"),
        ("diamond 180 180", "`diamond 180 180` has more than 180 services or edges"),
        ("A-B,C", "`C` is no edge like `A-B`"),
        ("A-", "`A-` is no edge like `A-B`"),
    ] {
        assert_eq!(Graph::parse(description).unwrap_err(), why);
    }
    assert_eq!(Graph::parse("A-B,A-B,B-B").unwrap().edges(), 2);
}
