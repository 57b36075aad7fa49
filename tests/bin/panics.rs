//! Has a panic hook of its own, and checks that panic on every run.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use management_axum::{Check, Management};

fn main() -> Result<(), management_axum::Error> {
    std::panic::set_hook(Box::new(|panic| {
        let payload = panic.payload();
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref().map(String::as_str));
        println!("hook: {}", text.expect("a text"));
    }));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(run())
}

async fn run() -> Result<(), management_axum::Error> {
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Check::new("counted", move || {
        let run = runs.fetch_add(1, Ordering::SeqCst);
        async move {
            // Polled twice, so that the panic is not in the first poll of its run.
            tokio::task::yield_now().await;
            match run {
                0..6 => panic!("counted {run}"),
                6 => {}
                8 | 10 => panic!("here {run}"),
                _ => panic!("there {run}"),
            }
        }
    });
    let blocking = Check::blocking("blocking", || -> bool { panic!("blocking") });
    let spawning = Check::new("spawning", async || {
        tokio::spawn(async { panic!("in a task") as () }).await.map_err(|_| "its task panicked")
    });
    let management = Management::builder()
        .ttl(Duration::ZERO)
        .check(counted)
        .check(blocking)
        .check(spawning)
        .build()?;
    for name in ["counted", "blocking", "spawning"] {
        println!("{name}");
        for _ in 0..6 {
            management.check(name).await.expect("it is there");
        }
    }
    println!("not a check");
    for _ in 0..2 {
        std::thread::spawn(|| panic!("a thread")).join().expect_err("it panics");
    }
    println!("recovered");
    for _ in 0..5 {
        management.check("counted").await.expect("it is there");
    }
    Ok(())
}
