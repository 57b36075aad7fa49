//! Measures how late the application's runtime runs tasks.

use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};

use crate::line::{line, milliseconds};
use crate::management::Management;
use crate::run::STALLED_AFTER;
use crate::text::seconds;

/// How often an empty task is scheduled: once a second, as a multiple of 64 ms. Tokio's timers wake a thread once for a
/// time that is such a multiple after the start of its runtime, and twice for any other.
const PERIOD: Duration = Duration::from_millis(1024);

/// How often a task that is late is looked for.
const LATE_PERIOD: Duration = Duration::from_millis(200);

/// How often a task is scheduled while a run is in flight, so that time in which the runtime runs no task is not counted
/// for the run.
const IN_FLIGHT_PERIOD: Duration = Duration::from_millis(50);

/// How late this thread may be itself. If it is later, the whole process was stopped, and not its runtime.
const OWN_TOLERANCE: Duration = Duration::from_secs(1);

/// Schedules an empty task on the application's runtime once a second, and reports how late it is. Ends runs whose
/// deadline has passed, too. `begun` is the start of the runtime of this thread.
pub(super) async fn watch(management: Management, begun: Instant) {
    let (runtimes, lag) = (management.runtimes(), management.runtime_lag());
    lag.begin();
    let pulse = runtimes.pulse();
    let mut look_for_overdue = begun;
    loop {
        let mut task = runtimes.ping();
        let mut late = Duration::ZERO;
        loop {
            let before = Instant::now();
            let often = management.has_runs_in_flight();
            pulse.watch(before, often);
            let planned = if often && late < LATE_PERIOD {
                let turn = before + IN_FLIGHT_PERIOD;
                sleep_until(turn).await;
                turn
            } else if late.is_zero() {
                let turn = next_turn(begun, before);
                // A run begins, so the loop looks again at once.
                _ = timeout_at(turn, management.run_began()).await;
                turn
            } else {
                let turn = before + LATE_PERIOD;
                // Either way, the loop looks whether it has run.
                _ = timeout_at(turn, pulse.ran()).await;
                turn
            };
            let now = Instant::now();
            if look_for_overdue <= now {
                management.end_overdue(now);
                look_for_overdue = now + PERIOD / 2;
            }
            let waiting = pulse.waiting_since();
            let Some(since) = waiting else { break };
            // Notices a runtime that has gone while it was waited for.
            runtimes.ping();
            if !runtimes.is_known() {
                // The next request from another runtime makes that one known.
                management.lose_background();
            }
            if waiting != task {
                // A request has scheduled another task.
                task = waiting;
                late = if now <= planned + OWN_TOLERANCE { now - since } else { Duration::ZERO };
            } else if now <= planned + OWN_TOLERANCE {
                late += now - before;
            }
            if late > STALLED_AFTER {
                if lag.set(late).is_none() {
                    line!(
                        WARN,
                        [lag_ms = milliseconds(late)],
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
            line!(
                INFO,
                [lag_ms = milliseconds(stall)],
                "the runtime runs tasks again, after a stall of {}",
                seconds(stall)
            );
        }
    }
}

/// The next multiple of the period that is at least three quarters of it away.
fn next_turn(begun: Instant, now: Instant) -> Instant {
    let elapsed = now - begun + PERIOD * 3 / 4;
    let turns = u32::try_from(elapsed.as_millis() / PERIOD.as_millis()).unwrap_or(u32::MAX);
    // Tokio rounds up to milliseconds, and its start was a little earlier.
    begun + PERIOD * (turns + 1) - Duration::from_micros(500)
}
