//! Leaves `main` while a check blocks for ever.

use std::thread;

use management_axum::{Check, Management};

#[tokio::main]
async fn main() -> Result<(), management_axum::Error> {
    let (started, mut has_started) = tokio::sync::mpsc::unbounded_channel();
    let check = Check::blocking("stuck", move || -> bool {
        started.send(()).expect("main waits");
        loop {
            thread::park();
        }
    });
    let management = Management::builder().check(check.readiness()).build()?;
    has_started.recv().await.expect("the check is there");
    println!("{}", management.readiness().await.status());
    Ok(())
}
