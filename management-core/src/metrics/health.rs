//! The series of checks and groups.

use crate::check::status::Status;
use crate::metrics::series::{Kind, Series, Unit, Value};
use crate::report::counts::RunOutcome;
use crate::report::durations;

pub(super) static SERIES: [Series; 8] = [
    Series::new(
        Kind::Gauge,
        ["health_check_status", "health_check.status"],
        None,
        "Whether a check has this status: 1 for its present one, 0 for the others.",
        |source, sink| {
            for (check, present) in source.checks.iter().zip(source.statuses()) {
                for status in Status::ALL {
                    let labels = [("check", check.name()), ("state", word(status))];
                    sink(&labels, flag(status == *present));
                }
            }
        },
    ),
    Series::new(
        Kind::Histogram,
        ["health_check_duration", durations::INSTRUMENT],
        Some(Unit::Seconds),
        durations::HELP,
        |source, sink| {
            for check in source.that_run() {
                let (buckets, sum) = check.counts.durations();
                let value = Value::Histogram { buckets, sum: sum.as_secs_f64() };
                sink(&[("check", check.name())], value);
            }
        },
    ),
    Series::new(
        Kind::Counter,
        ["health_check_runs", "health_check.runs"],
        None,
        "How many runs of a check had this outcome.",
        |source, sink| {
            for check in source.that_run() {
                for outcome in RunOutcome::ALL {
                    let labels = [("check", check.name()), ("outcome", outcome.as_str())];
                    sink(&labels, Value::Whole(check.counts.runs(outcome)));
                }
            }
        },
    ),
    Series::new(
        Kind::Gauge,
        ["health_check_last_run_timestamp", "health_check.last_run.timestamp"],
        Some(Unit::Seconds),
        "When the last run of a check ended, in Unix time.",
        |source, sink| {
            for check in source.that_run() {
                if let Some(at) = check.counts.last_run() {
                    sink(&[("check", check.name())], Value::Real(at.as_secs_f64()));
                }
            }
        },
    ),
    Series::new(
        Kind::Gauge,
        ["health_check_interval", "health_check.interval"],
        Some(Unit::Seconds),
        "How long a check that runs in the background pauses after a success.",
        |source, sink| {
            // A startup check that has succeeded never runs again.
            for check in source.that_run().filter(|check| !check.runner.is_settled()) {
                if let Some(interval) = check.runner.interval() {
                    sink(&[("check", check.name())], Value::Real(interval.as_secs_f64()));
                }
            }
        },
    ),
    Series::new(
        Kind::Counter,
        ["health_check_transitions", "health_check.transitions"],
        None,
        "How often the result of a check has changed to this status.",
        |source, sink| {
            for check in source.checks.iter() {
                for status in Status::ALL {
                    let labels = [("check", check.name()), ("to", word(status))];
                    sink(&labels, Value::Whole(check.counts.transitions(status)));
                }
            }
        },
    ),
    Series::new(
        Kind::Gauge,
        ["health_status", "health.status"],
        None,
        "Whether a group has this status: 1 for its present one, 0 for the others.",
        |source, sink| {
            for group in &source.groups {
                let present = source.status_of(group);
                for status in Status::ALL {
                    let labels = [("group", &*group.name), ("state", word(status))];
                    sink(&labels, flag(status == present));
                }
            }
        },
    ),
    Series::new(
        Kind::Gauge,
        ["health_draining", "health.draining"],
        None,
        "Whether the service drains before it shuts down: 1 or 0.",
        |source, sink| sink(&[], flag(source.availability.is_draining())),
    ),
];

/// The value of the labels `state` and `to`.
fn word(status: Status) -> &'static str {
    match status {
        Status::Up => "up",
        Status::Degraded => "degraded",
        Status::Unknown => "unknown",
        Status::OutOfService => "out_of_service",
        Status::Down => "down",
    }
}

fn flag(is_set: bool) -> Value {
    Value::Whole(is_set.into())
}
