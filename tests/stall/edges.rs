//! Runtimes that shut down, are several, or have no timers.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use axum::Router;
use management_axum::{Check, Management, ShowDetails, listen};
use tokio::runtime::Handle;

use crate::application::runtime;
use crate::prober::fetch;
use crate::{LINES, alone, lines_with, wait_for};

const PORT: &str = "127.0.0.1:0";

/// Waits until this process has so many threads of the endpoints. A thread that one of them starts has its name at first.
fn wait_for_threads(count: usize) {
    let threads = || {
        let tasks = fs::read_dir("/proc/self/task").unwrap();
        let names =
            tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok());
        names.filter(|name| name == "management\n").count()
    };
    wait_for("threads of the endpoints", || (threads() == count).then_some(()));
}

/// A check that is up on the runtime with this many workers.
fn on(workers: usize) -> Check {
    Check::new("on", move || async move {
        let actual = Handle::current().metrics().num_workers();
        if actual == workers { Ok(()) } else { Err(format!("on a runtime of {actual}")) }
    })
}

#[test]
fn the_thread_ends_with_the_last_management() {
    let _alone = alone();
    wait_for_threads(0);
    let runtime = runtime(1);
    let management = Management::builder().build().unwrap();
    let listening = runtime.block_on(listen(&management, PORT)).unwrap();
    let address = listening.local_addr();
    assert_eq!(fetch(address, "/z/health/ping").0, 200);
    wait_for_threads(1);
    let router: Router = management_axum::router(&management);
    drop(management);
    drop(listening);
    assert_eq!(fetch(address, "/z/health/ping").0, 200, "the router holds one");
    drop(router);
    wait_for_threads(0);
    assert!(TcpStream::connect(address).is_err());
    // What is kept of a listener keeps it open.
    let listening = runtime.block_on(listen(&Management::new().unwrap(), PORT)).unwrap();
    assert_eq!(fetch(listening.local_addr(), "/z/health/ping").0, 200);
    runtime.block_on(listening.close());
    wait_for_threads(0);
}

#[test]
fn several_listeners_share_the_thread() {
    let _alone = alone();
    wait_for_threads(0);
    let runtime = runtime(1);
    let management = Management::builder().check(on(1).readiness()).build().unwrap();
    let open = || runtime.block_on(listen(&management, PORT)).unwrap();
    let (first, second) = (open(), open());
    let address = first.local_addr();
    runtime.block_on(first.close());
    assert!(TcpStream::connect(address).is_err());
    let third = open();
    for listening in [second, third] {
        assert_eq!(fetch(listening.local_addr(), "/z/health/readiness").0, 200);
        wait_for_threads(1);
        runtime.block_on(listening.close());
    }
}

#[test]
fn a_runtime_that_is_shut_down_counts_as_stalled() {
    let _alone = alone();
    let first = runtime(1);
    let (management, listening) = first.block_on(async {
        let management = Management::builder()
            .stall_limit(Duration::from_secs(1))
            .show_details(ShowDetails::always())
            .check(on(1).ttl(Duration::ZERO).readiness())
            .build()
            .unwrap();
        let listening = listen(&management, PORT).await.unwrap();
        (management, listening)
    });
    let address = listening.local_addr();
    assert_eq!(fetch(address, "/z/health/on").0, 200);
    drop(first);
    let (code, body) = fetch(address, "/z/health/on");
    assert!(code == 200 && body.contains(r#""stale":true"#), "the last result: {body}");
    wait_for("DOWN", || (fetch(address, "/z/health/liveness").0 == 503).then_some(()));
    // Another runtime takes over.
    let second = runtime(2);
    second.block_on(management.readiness());
    wait_for("UP", || (fetch(address, "/z/health/liveness").0 == 200).then_some(()));
    let (code, body) = fetch(address, "/z/health/on");
    assert!(code == 503 && body.contains("on a runtime of 2"), "{body}");
}

#[test]
fn a_runtime_that_is_shut_down_is_noticed_without_a_run() {
    let _alone = alone();
    let first = runtime(1);
    let (management, listening) = first.block_on(async {
        let management = Management::builder()
            .stall_limit(Duration::from_secs(1))
            .check(Check::instant("queue", || true).liveness())
            .build()
            .unwrap();
        let listening = listen(&management, PORT).await.unwrap();
        (management, listening)
    });
    let address = listening.local_addr();
    assert_eq!(fetch(address, "/z/health/liveness").0, 200);
    drop(first);
    wait_for("DOWN", || (fetch(address, "/z/health/liveness").0 == 503).then_some(()));
    let second = runtime(1);
    wait_for("UP", || {
        second.block_on(management.readiness());
        (fetch(address, "/z/health/liveness").0 == 200).then_some(())
    });
}

#[test]
fn a_runtime_that_nobody_drives_is_logged() {
    let _alone = alone();
    let idle = runtime(0);
    let management = {
        let _inside = idle.enter();
        Management::builder()
            .probe_budget(Duration::from_millis(100))
            .check(on(1).readiness())
            .build()
            .unwrap()
    };
    runtime(1).block_on(async {
        for _ in 0..2 {
            let report = management.readiness().await;
            assert_eq!(report.to_string(), "UNKNOWN: on UNKNOWN: the runtime is stalled");
        }
    });
    let lines = lines_with("WARN no check can run", 1);
    assert!(lines.len() == 1 && lines[0].contains("`.runtime(…)`"), "{lines:#?}");
}

#[test]
fn checks_run_where_the_program_wants_them() {
    let _alone = alone();
    let (pools, requests) = (runtime(3), runtime(1));
    let built = |builder: management_axum::Builder| {
        builder.show_details(ShowDetails::always()).check(on(3)).build().unwrap()
    };
    // Given, or that of the build, or that of the listener, whichever is first.
    let given = built(Management::builder().runtime(pools.handle().clone()));
    let of_build = pools.block_on(async { built(Management::builder()) });
    let of_listener = built(Management::builder());
    let listening = [
        requests.block_on(listen(&given, PORT)).unwrap(),
        requests.block_on(listen(&of_build, PORT)).unwrap(),
        pools.block_on(listen(&of_listener, PORT)).unwrap(),
    ];
    for (position, listening) in listening.iter().enumerate() {
        let (code, body) = fetch(listening.local_addr(), "/z/health/on");
        assert_eq!(code, 200, "{position}: {body}");
        let report = requests.block_on([&given, &of_build, &of_listener][position].health());
        assert_eq!(report.to_string(), "UP: on UP");
    }
}

#[test]
fn a_runtime_of_the_build_alone() {
    let _alone = alone();
    let (of_build, of_service) = (runtime(1), runtime(2));
    let management = of_build.block_on(async {
        Management::builder().show_details(ShowDetails::always()).check(on(2)).build().unwrap()
    });
    drop(of_build);
    let listening = of_service.block_on(listen(&management, PORT)).unwrap();
    let (code, body) = fetch(listening.local_addr(), "/z/health/on");
    assert_eq!(code, 200, "{body}");
}

#[test]
fn no_runtime_at_all() {
    let _alone = alone();
    let management =
        Management::builder().show_details(ShowDetails::always()).check(on(1)).build().unwrap();
    // Sockets and timers belong to the thread, so that any executor can open the listener.
    let mut opening = std::pin::pin!(listen(&management, PORT));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let listening = wait_for("the listener", || match opening.as_mut().poll(&mut context) {
        std::task::Poll::Ready(listening) => Some(listening.unwrap()),
        std::task::Poll::Pending => None,
    });
    let address = listening.local_addr();
    assert_eq!(fetch(address, "/z/health/liveness").0, 200);
    let (code, body) = fetch(address, "/z/health/on");
    assert!(code == 503 && body.contains("no Tokio runtime"), "{body}");
    assert!(!LINES.take().iter().any(|line| line.contains("stalled")));
}

#[test]
fn a_runtime_without_timers() {
    let _alone = alone();
    let (send, receive) = mpsc::channel::<SocketAddr>();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let application = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let management = Management::builder()
                .show_details(ShowDetails::always())
                .timeout(Duration::from_millis(200))
                .check(Check::new("hangs", async || std::future::pending::<()>().await))
                .check(Check::new("yields", async || tokio::task::yield_now().await).readiness())
                .check(
                    Check::new("beats", async || tokio::task::yield_now().await)
                        .interval(Duration::from_millis(20)),
                )
                .build()
                .unwrap();
            let listening = listen(&management, PORT).await.unwrap();
            send.send(listening.local_addr()).unwrap();
            _ = stopped.await;
        });
    });
    let address = receive.recv().unwrap();
    for (name, code, text) in
        [("yields", 200, "UP"), ("hangs", 503, "timed out after 200ms"), ("beats", 200, "UP")]
    {
        let (actual, body) = fetch(address, &format!("/z/health/{name}"));
        assert!(actual == code && body.contains(text), "{name}: {body}");
    }
    // It goes on after its first run.
    let at = |body: &str| body.split(r#""checkedAt":""#).nth(1).unwrap()[..24].to_owned();
    let first = at(&fetch(address, "/z/health/beats").1);
    wait_for("the next run", || (at(&fetch(address, "/z/health/beats").1) != first).then_some(()));
    stop.send(()).unwrap();
    application.join().unwrap();
}
