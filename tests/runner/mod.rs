//! How checks are run. Async checks in paused time, sync ones in at most 100 ms of real time.

mod background;
mod budgets;
mod deadlines;
mod fields;
mod instant;
mod logs;
mod providers;
mod reasons;
mod runtimes;
mod secrets;
mod sharing;
mod startup;
mod steps;
mod threads;
mod thresholds;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use management_core::{Builder, Check, Component, Health, Management};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn with(checks: impl IntoIterator<Item = Check>) -> Management {
    checks.into_iter().fold(Management::builder(), Builder::check).build().unwrap()
}

async fn one(management: &Management, name: &str) -> Component {
    management.check(name).await.unwrap()
}

/// A check whose health the test sets.
fn settable(name: &str) -> (Check, Arc<Mutex<Health>>) {
    let health = Arc::new(Mutex::new(Health::up()));
    let own = Arc::clone(&health);
    (Check::new(name, move || std::future::ready(own.lock().unwrap().clone())), health)
}

/// Counts how often a check has begun and ended.
#[derive(Clone, Default)]
struct Runs {
    begun: Arc<AtomicUsize>,
    ended: Arc<AtomicUsize>,
}

impl Runs {
    /// A check that takes this long, and is up.
    fn taking(&self, name: &str, duration: Duration) -> Check {
        let runs = self.clone();
        Check::new(name, move || {
            let runs = runs.clone();
            runs.begun.fetch_add(1, Ordering::SeqCst);
            async move {
                tokio::time::sleep(duration).await;
                runs.ended.fetch_add(1, Ordering::SeqCst);
            }
        })
    }

    fn begun(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }

    fn ended(&self) -> usize {
        self.ended.load(Ordering::SeqCst)
    }
}
