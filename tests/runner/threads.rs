//! Sync checks, on threads of their own.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use management_core::{Check, Management, Status};
use tokio::runtime::{Builder, Handle};

use super::{ms, one, with};

/// A sync check that blocks until it is released, and then is up.
struct Gate {
    begun: Arc<AtomicUsize>,
    release: mpsc::Sender<()>,
    returned: tokio::sync::mpsc::UnboundedReceiver<()>,
}

fn gated(name: &str) -> (Check, Gate) {
    let (release, released) = mpsc::channel();
    let (returns, returned) = tokio::sync::mpsc::unbounded_channel();
    let begun = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&begun);
    let released = Mutex::new(released);
    let check = Check::blocking(name, move || {
        counter.fetch_add(1, Ordering::SeqCst);
        // A gate that is gone lets nobody wait.
        let _ = released.lock().unwrap().recv();
        // Told before the thread has quite returned; nobody may be there to hear it.
        let _ = returns.send(());
    });
    (check, Gate { begun, release, returned })
}

#[tokio::test]
async fn one_that_blocks_for_ever_is_down_at_once_until_it_returns() {
    let (check, mut gate) = gated("stuck");
    let management = with([check.timeout(ms(30)).ttl(ms(0)), Check::new("well", async || ())]);
    let first = one(&management, "stuck").await;
    assert_eq!(first.health().reason(), Some("timed out after 30ms"));
    for _ in 0..3 {
        let next = one(&management, "stuck").await;
        let reason = next.health().reason().unwrap();
        assert!(next.status() == Status::Down, "{next:?}");
        assert!(reason.starts_with("still running since 20") && reason.ends_with('Z'), "{reason}");
    }
    assert_eq!(gate.begun.load(Ordering::SeqCst), 1, "one thread at most");
    assert_eq!(one(&management, "well").await.status(), Status::Up);

    // What it found is late and dropped; the next run is as good as any.
    gate.release.send(()).unwrap();
    gate.returned.recv().await.unwrap();
    // From here on nothing blocks, so that one run ends in time, however busy the machine.
    gate.release.send(()).unwrap();
    let again = loop {
        let again = one(&management, "stuck").await;
        if again.status() == Status::Up {
            break again;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!((again.failures(), gate.begun.load(Ordering::SeqCst)), (0, 2));
}

#[tokio::test]
async fn a_late_result_is_dropped() {
    let (check, mut gate) = gated("late");
    let management = with([check.timeout(ms(20)).ttl(ms(60_000)).valid_for(ms(120_000))]);
    let mut results = management.subscribe();
    assert_eq!(one(&management, "late").await.status(), Status::Down);
    gate.release.send(()).unwrap();
    gate.returned.recv().await.unwrap();
    assert_eq!(one(&management, "late").await.status(), Status::Down);
    assert_eq!(results.recv().await.unwrap().status(), Status::Down);
    assert!(results.try_recv().is_err(), "there was one result");
}

#[tokio::test]
async fn one_that_panics_is_down_and_runs_again() {
    let runs = Arc::new(AtomicUsize::new(0));
    let check = Check::blocking("panicking", move || {
        assert!(runs.fetch_add(1, Ordering::SeqCst) > 0, "the first time");
    });
    let management = with([check.ttl(ms(0))]);
    let first = one(&management, "panicking").await;
    assert_eq!((first.status(), first.health().reason()), (Status::Down, Some("panicked")));
    assert_eq!(one(&management, "panicking").await.status(), Status::Up);
}

#[tokio::test]
async fn it_runs_inside_the_runtime() {
    let management = with([Check::blocking("inside", || {
        let spawned = Handle::current().spawn(async { true });
        Handle::current().block_on(spawned)
    })]);
    assert_eq!(one(&management, "inside").await.status(), Status::Up);
}

#[test]
fn it_needs_no_thread_of_the_blocking_pool() {
    let runtime =
        Builder::new_current_thread().enable_all().max_blocking_threads(1).build().unwrap();
    let (release, blocked) = mpsc::channel::<()>();
    runtime.block_on(async {
        let user = tokio::task::spawn_blocking(move || blocked.recv());
        let names = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&names);
        let management = with([Check::blocking("disk", move || {
            seen.lock().unwrap().push(thread::current().name().map(str::to_owned));
        })]);
        assert_eq!(one(&management, "disk").await.status(), Status::Up);
        assert_eq!(*names.lock().unwrap(), [Some("management-check".to_owned())]);
        release.send(()).unwrap();
        user.await.unwrap().unwrap();
    });
}

#[tokio::test]
async fn sixty_four_that_block_do_not_delay_liveness() {
    let (checks, gates): (Vec<_>, Vec<_>) =
        (0..64).map(|number| gated(&format!("stuck {number}"))).unzip();
    let alive = Check::blocking("alive", || ()).liveness();
    let management = Management::builder().probe_budget(ms(50));
    let management = checks
        .into_iter()
        .fold(management, |builder, check| builder.check(check.readiness()))
        .check(alive.ttl(ms(0)))
        .build()
        .unwrap();
    assert_eq!(management.readiness().await.status(), Status::Unknown);
    let alive = management.liveness().await;
    assert_eq!(alive.status(), Status::Up);
    drop(gates);
}
