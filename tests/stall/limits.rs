//! How long answers take during a stall, and what they are before its limit and after it.

use std::env;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use management_axum::Check;

use crate::alone;
use crate::application::{Application, Stall};
use crate::prober::{DEADLINE, Probe, probe};

const STALL_LIMIT: Duration = Duration::from_secs(2);

/// A stall is measured once a second, and the prober asks ten times a second.
const NOTICED_AFTER: Duration = Duration::from_millis(1_500);

const PERIOD: Duration = Duration::from_millis(100);

/// A variable that sets how long each runtime is stalled.
const SECONDS: &str = "STALL_SECONDS";

fn length() -> Duration {
    let set = env::var(SECONDS).ok();
    Duration::from_secs(set.map_or(6, |seconds| seconds.parse().expect(SECONDS)))
}

/// Asks for a path ten times a second until it is over.
fn ask(address: SocketAddr, path: &str, begun: Instant, is_over: &AtomicBool) -> Vec<Probe> {
    let mut probes = Vec::new();
    for turn in 0.. {
        if is_over.load(Ordering::SeqCst) {
            break;
        }
        let due = begun + PERIOD * turn;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        probes.push(probe(address, path, DEADLINE, begun));
    }
    probes
}

/// A check of which a run is in flight most of the time, also when the stall begins, and whose timeout is shorter than
/// that.
fn in_flight() -> Check {
    let check = Check::new("slow", async || tokio::time::sleep(PERIOD / 2).await);
    check.timeout(PERIOD * 5).ttl(Duration::ZERO)
}

/// Stalls a runtime, and asks for liveness and readiness meanwhile.
fn stall(workers: usize, how: Stall) {
    let _alone = alone();
    let application = Application::start(workers, |builder| {
        builder
            .stall_limit(STALL_LIMIT)
            .check(Check::new("alive", async || ()).liveness())
            .check(in_flight().liveness())
            .check(Check::new("db", async || tokio::task::yield_now().await).readiness())
    });
    let port = application.management_address;
    let is_over = AtomicBool::new(false);
    let begun = Instant::now();
    thread::scope(|scope| {
        let alive = scope.spawn(|| ask(port, "/z/health/liveness", begun, &is_over));
        let ready = scope.spawn(|| ask(port, "/z/health/readiness", begun, &is_over));
        thread::sleep(PERIOD * 5);
        application.stall(how);
        let stalled = begun.elapsed();
        let requests: Vec<_> = (0..20)
            .map(|_| {
                thread::sleep(PERIOD);
                scope.spawn(|| probe(application.address, "/", support::PATIENCE, begun))
            })
            .collect();
        thread::sleep((begun + stalled + length()).saturating_duration_since(Instant::now()));
        let recovered = begun.elapsed();
        application.recover();
        thread::sleep(Duration::from_secs(3));
        is_over.store(true, Ordering::SeqCst);
        for request in requests {
            let answer = request.join().unwrap();
            assert_eq!(answer.code(), Some(200), "the application lost a request: {answer:?}");
        }
        let (alive, ready) = (alive.join().unwrap(), ready.join().unwrap());
        let took = report(&format!("{workers} workers, {how:?}: liveness"), &alive);
        report(&format!("{workers} workers, {how:?}: readiness"), &ready);
        if env::var_os(SECONDS).is_some() {
            // By hand, when nothing else keeps the machine busy.
            assert!(took.slowest < Duration::from_millis(250), "{took:?}");
            assert!(took.median < Duration::from_millis(20), "{took:?}");
        }
        for probe in &alive {
            let is_up = probe.code() == Some(200);
            if probe.at < stalled + STALL_LIMIT - DEADLINE / 10 {
                assert!(is_up, "before the limit: {probe:?}, stalled at {stalled:?}");
            } else if probe.at > stalled + STALL_LIMIT + NOTICED_AFTER
                && probe.at + probe.took < recovered
            {
                assert_eq!(probe.code(), Some(503), "after the limit: {probe:?}");
            } else if probe.at > recovered + Duration::from_secs(2) {
                assert!(is_up, "after the stall: {probe:?}, which ended at {recovered:?}");
            }
        }
        for probe in alive.iter().chain(&ready) {
            assert!(probe.answer.is_some(), "no answer within kubelet's deadline: {probe:?}");
        }
    });
}

#[derive(Debug)]
struct Took {
    median: Duration,
    slowest: Duration,
}

fn report(what: &str, probes: &[Probe]) -> Took {
    let mut took: Vec<_> = probes.iter().map(|probe| probe.took).collect();
    took.sort_unstable();
    let (median, slowest) = (took[took.len() / 2], took[took.len() - 1]);
    let count = |code| probes.iter().filter(|probe| probe.code() == code).count();
    println!(
        "{what}: {} requests, median {median:.1?}, slowest {slowest:.1?}; {} with 200, {} with 503, {} without an \
         answer within a second",
        probes.len(),
        count(Some(200)),
        count(Some(503)),
        count(None),
    );
    Took { median, slowest }
}

#[test]
fn one_worker_that_computes() {
    stall(1, Stall::Burn);
}

#[test]
fn two_workers_that_compute() {
    stall(2, Stall::Burn);
}

#[test]
fn eight_workers_that_compute() {
    stall(8, Stall::Burn);
}

#[test]
fn two_workers_that_are_blocked() {
    stall(2, Stall::Sleep);
}

#[test]
fn a_current_thread_runtime_that_is_blocked() {
    stall(0, Stall::Sleep);
}
