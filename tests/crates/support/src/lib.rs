//! What several test binaries need: requests to a router, what is logged, peers to depend on, and programs to run.

mod answer;
mod lines;
mod peer;
mod printed;
mod program;

use std::time::Duration;

pub use answer::{Answer, fetch, get, send};
pub use lines::Lines;
pub use peer::{Peer, answer};
pub use printed::Printed;
pub use program::Program;

/// Longer than a busy machine needs for anything that does not hang.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Keeps every line switched on for as long as the process lives.
///
/// A line that is first logged on a thread without a subscriber, while another thread gets its own, may stay switched
/// off for both. With a subscriber for all threads, none is ever switched off.
fn switch_on_every_line() {
    use std::sync::Once;
    static FOR_ALL_THREADS: Once = Once::new();
    FOR_ALL_THREADS.call_once(|| {
        tracing::subscriber::set_global_default(tracing_subscriber::registry()).unwrap();
    });
}
