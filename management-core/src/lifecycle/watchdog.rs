//! Measures how late the application's runtime runs tasks.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use crate::line::line;
use crate::management::Management;
use crate::report::runtime_lag::THRESHOLD;
use crate::text::seconds;

/// How often an empty task is scheduled.
const PERIOD: Duration = Duration::from_secs(1);

/// How often a task that is late is looked for.
const LATE_PERIOD: Duration = Duration::from_millis(200);

/// How late this thread may be itself. If it is later, the whole process was stopped, and not its runtime.
const OWN_TOLERANCE: Duration = Duration::from_secs(1);

/// Schedules an empty task on the application's runtime once a second, and reports how late it is. Ends runs whose
/// deadline has passed, too.
pub(super) async fn watch(management: Management) {
    let (runtimes, lag) = (management.runtimes(), management.runtime_lag());
    lag.begin();
    let pulse = runtimes.pulse();
    loop {
        let mut task = runtimes.ping();
        let mut late = Duration::ZERO;
        let mut period = PERIOD;
        loop {
            let before = Instant::now();
            if late.is_zero() {
                sleep(period).await;
            } else {
                // Either way, the loop looks whether it has run.
                _ = timeout(period, pulse.ran()).await;
            }
            let now = Instant::now();
            management.end_overdue(now);
            let waiting = pulse.waiting_since();
            let Some(since) = waiting else { break };
            let slept = now - before;
            if waiting != task {
                // A request has scheduled another task.
                task = waiting;
                late = now - since;
            } else if slept <= period + OWN_TOLERANCE {
                late += slept;
            }
            period = LATE_PERIOD;
            if late > THRESHOLD {
                if lag.set(late).is_none() {
                    line!(
                        WARN,
                        "the runtime is stalled: no task has run for {}; look for code that blocks its threads or \
                         never yields",
                        seconds(late),
                    );
                }
                management.advance();
            }
        }
        if let Some(stall) = lag.clear() {
            management.advance();
            line!(INFO, "the runtime runs tasks again, after a stall of {}", seconds(stall));
        }
    }
}
