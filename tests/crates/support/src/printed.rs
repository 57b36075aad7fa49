//! The output of a `fmt` subscriber.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use tracing::{Level, Subscriber};

/// The output of a `fmt` subscriber.
#[derive(Clone, Debug, Default)]
pub struct Printed(Arc<Mutex<Vec<u8>>>);

impl Printed {
    /// A subscriber that prints events up to this level here.
    pub fn subscriber(&self, most: Level) -> impl Subscriber + Send + Sync + use<> {
        let this = self.clone();
        tracing_subscriber::fmt()
            .with_max_level(most)
            .with_ansi(false)
            .without_time()
            .with_writer(move || this.clone())
            .finish()
    }

    /// Collects what is logged on this thread, until the guard is dropped.
    pub fn capture(&self, most: Level) -> tracing::subscriber::DefaultGuard {
        crate::switch_on_every_line();
        tracing::subscriber::set_default(self.subscriber(most))
    }

    /// The whole output since the last [`take`](Self::take).
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// The lines since the last time, without those of the checks themselves and without latencies.
    pub fn take(&self) -> Vec<String> {
        let printed = String::from_utf8(std::mem::take(&mut self.0.lock().unwrap())).unwrap();
        let lines = printed.lines().filter(|line| !line.contains(" management: "));
        lines.map(|line| line.split(" latency=").next().unwrap().trim_start().to_owned()).collect()
    }
}

impl Write for Printed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Write::write(&mut *self.0.lock().unwrap(), bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
