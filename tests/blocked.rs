//! How long answers take while a check blocks a worker of the runtime.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use axum::Router;
use management_axum::{Check, Management, Status};
use support::Printed;
use tokio::runtime::{Builder, Runtime};
use tracing::Level;

/// What probes wait for a run, unless something else is set.
const BUDGET: Duration = Duration::from_millis(800);

/// What the way to the server and back may take in addition.
const SLACK: Duration = Duration::from_millis(100);

const CLIENTS: u32 = 20;
const REQUESTS_OF_EACH: u32 = 10;

/// Between two requests of one client.
const BEAT: Duration = Duration::from_secs(1);

/// The answers to 200 requests.
struct Measured {
    slowest: Duration,
    over_budget: usize,
}

/// Asks readiness 200 times within ten seconds, on a new connection each time.
///
/// What the machine itself keeps a thread that is due from running is no time of the server's, and is
/// subtracted.
fn measure(name: &str, workers: usize, check: Check) -> Measured {
    let runtime = Builder::new_multi_thread().worker_threads(workers).enable_all().build().unwrap();
    let address = serve(&runtime, check.ttl(Duration::ZERO).readiness());
    let is_over = AtomicBool::new(false);
    let (answers, held_up) = thread::scope(|scope| {
        let held_up = scope.spawn(|| held_up(&is_over));
        let clients: Vec<_> =
            (0..CLIENTS).map(|client| scope.spawn(move || ask(address, client))).collect();
        let answers: Vec<Duration> =
            clients.into_iter().flat_map(|client| client.join().unwrap()).collect();
        is_over.store(true, Ordering::Relaxed);
        (answers, held_up.join().unwrap())
    });
    // A worker may still be blocked.
    runtime.shutdown_background();
    assert_eq!(answers.len(), (CLIENTS * REQUESTS_OF_EACH) as usize);
    let own = answers.iter().map(|took| took.saturating_sub(held_up));
    let slowest = own.clone().max().unwrap();
    let over_budget = own.filter(|&took| took > BUDGET + SLACK).count();
    println!(
        "{name}, {workers} workers: slowest of {} answers {slowest:?}, {over_budget} over budget; the \
         machine held threads up for at most {held_up:?}",
        answers.len(),
    );
    Measured { slowest, over_budget }
}

fn serve(runtime: &Runtime, check: Check) -> SocketAddr {
    runtime.block_on(async {
        let management = Management::builder().check(check).build().unwrap();
        let app: Router = management_axum::router(&management);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        address
    })
}

/// How long each answer took.
fn ask(address: SocketAddr, client: u32) -> Vec<Duration> {
    let begun = Instant::now() + BEAT * client / CLIENTS;
    let ask_at = |due: Instant| {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let asked = Instant::now();
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(b"GET /z/health/readiness HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.contains("\r\n\r\n{\"status\":\""), "{answer}");
        asked.elapsed()
    };
    (0..REQUESTS_OF_EACH).map(|request| ask_at(begun + BEAT * request)).collect()
}

/// The longest time for which a thread that was due did not run.
fn held_up(is_over: &AtomicBool) -> Duration {
    const NAP: Duration = Duration::from_millis(5);
    let mut longest = Duration::ZERO;
    while !is_over.load(Ordering::Relaxed) {
        let begun = Instant::now();
        thread::sleep(NAP);
        longest = longest.max(begun.elapsed().saturating_sub(NAP));
    }
    longest
}

fn blocking(blocks: Duration) -> Check {
    Check::new("block", move || async move { thread::sleep(blocks) })
}

/// The worker that an event wakes is the one that looks for events.
fn blocking_after_an_event(blocks: Duration) -> Check {
    Check::new("block", move || async move {
        tokio::time::sleep(Duration::from_millis(100)).await;
        thread::sleep(blocks);
    })
}

/// Those who wait for this run are woken before it is dropped.
fn blocking_when_dropped(blocks: Duration) -> Check {
    struct Blocks(Duration);
    impl Drop for Blocks {
        fn drop(&mut self) {
            thread::sleep(self.0);
        }
    }
    let check = Check::new("block", move || async move {
        let _blocks = Blocks(blocks);
        std::future::pending::<()>().await;
    });
    check.timeout(Duration::from_millis(400))
}

#[test]
fn every_answer_keeps_its_budget() {
    // Shorter than the deadline of 4 s, so that runs follow each other, and longer.
    let (short, long) = (Duration::from_secs(3), Duration::from_secs(6));
    let checks = [
        ("blocks", blocking as fn(Duration) -> Check),
        ("blocks after an event", blocking_after_an_event),
        ("blocks when it is dropped", blocking_when_dropped),
    ];
    thread::scope(|scope| {
        for (name, check) in checks {
            for blocks in [short, long] {
                for workers in [2, 4] {
                    scope.spawn(move || {
                        let name = format!("{name} for {blocks:?}");
                        let measured = measure(&name, workers, check(blocks));
                        let Measured { slowest, over_budget } = measured;
                        assert_eq!(over_budget, 0, "{name}, {workers} workers: {slowest:?}");
                    });
                }
            }
        }
    });
}

/// What this program logs, on whatever thread.
static LOG: LazyLock<Printed> = LazyLock::new(|| {
    let log = Printed::default();
    tracing::subscriber::set_global_default(log.subscriber(Level::WARN)).unwrap();
    log
});

/// For how long this check has blocked, according to each line that says so.
fn blocked_for(name: &str) -> Vec<String> {
    let begin = format!(" WARN management: check {name} has blocked its thread for ");
    let end = ": move blocking code to a check function without `async` or to `Check::blocking`, which get \
               threads of their own";
    let log = LOG.text();
    let about = log.lines().filter_map(|line| line.strip_prefix(&begin));
    about.map(|line| line.split_once(end).expect(line).0.to_owned()).collect()
}

/// A check that blocks until somebody sends or hangs up.
fn blocking_until_released(name: &str) -> (Check, mpsc::Sender<()>) {
    let (release, released) = mpsc::channel();
    let released = Arc::new(Mutex::new(released));
    let check = Check::new(name, move || {
        let released = Arc::clone(&released);
        async move { released.lock().unwrap().recv().is_ok() }
    });
    (check.ttl(Duration::ZERO).readiness(), release)
}

#[test]
fn the_log_names_the_cause_while_it_lasts() {
    LazyLock::force(&LOG);
    let (check, release) = blocking_until_released("blocks-now");
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let management = Management::builder()
            .check(check.timeout(Duration::from_secs(2)))
            .probe_budget(Duration::from_secs(1))
            .build()
            .unwrap();
        let mut results = management.subscribe();
        assert_eq!(management.readiness().await.status(), Status::Unknown);
        assert_eq!(blocked_for("blocks-now"), ["1s"]);
        // Nobody asks meanwhile.
        let result = results.recv().await.unwrap();
        assert_eq!(result.health().reason(), Some("timed out after 2s"));
        assert_eq!(blocked_for("blocks-now"), ["1s", "2s"]);

        // The next run does not block, and is there only when the first one has gone.
        release.send(()).unwrap();
        release.send(()).unwrap();
        while management.readiness().await.status() != Status::Up {}
        assert_eq!(blocked_for("blocks-now"), ["1s", "2s"]);

        // And the one after that is news again.
        assert_eq!(management.readiness().await.status(), Status::Up);
        assert_eq!(blocked_for("blocks-now"), ["1s", "2s", "1s"]);
        drop(release);
    });
}
