//! What the thread costs while nobody asks.

use std::env;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use management_axum::{Management, listen};

use crate::application::runtime;
use crate::{alone, wait_for};

/// The folder of the thread under `/proc`.
fn folder() -> Option<std::path::PathBuf> {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let mut folders = tasks.map(|task| task.unwrap().path());
    folders
        .find(|path| fs::read_to_string(path.join("comm")).is_ok_and(|name| name == "management\n"))
}

/// How often the thread was woken, and how long it ran.
fn used(folder: &std::path::Path) -> (u64, Duration) {
    let status = fs::read_to_string(folder.join("status")).unwrap();
    let switches = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    let ran = fs::read_to_string(folder.join("schedstat")).unwrap();
    let ran = ran.split(' ').next().unwrap().parse().unwrap();
    (switches.unwrap().trim().parse().unwrap(), Duration::from_nanos(ran))
}

/// The memory of this process in bytes, without the pages of its executable.
fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let kib = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    kib.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}

#[test]
fn it_wakes_once_a_second() {
    const WATCHED: Duration = Duration::from_secs(5);
    let _alone = alone();
    wait_for("the end of earlier threads", || folder().is_none().then_some(()));
    let runtime = runtime(1);
    let management = Management::builder().build().unwrap();
    let before_listening = resident();
    let _listening = runtime.block_on(listen(&management, "127.0.0.1:0")).unwrap();
    let folder = wait_for("the thread", folder);
    let memory = resident().saturating_sub(before_listening);
    let (before, begun) = (used(&folder), Instant::now());
    thread::sleep(WATCHED);
    let (after, took) = (used(&folder), begun.elapsed());
    let (woken, ran) = (after.0 - before.0, after.1 - before.1);
    let share = ran.as_secs_f64() / took.as_secs_f64();
    println!(
        "woken {woken} times in {took:?}, {:.4} % of a core, {} KiB",
        share * 100.0,
        memory / 1024,
    );
    assert!(memory < 1 << 20, "{memory} bytes");
    assert!(woken <= took.as_secs() + 2, "woken {woken} times in {took:?}");
    // A busy machine runs the same instructions for longer, so this is for a machine of its own.
    if env::var_os("STALL_SECONDS").is_some() {
        assert!(share < 0.001, "{ran:?} in {took:?}");
    }
}
