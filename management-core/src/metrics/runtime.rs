//! The series of the application's runtime, as far as Tokio's metrics are stable.

use std::time::Duration;

use tokio::runtime::RuntimeMetrics;

use crate::metrics::series::{Kind, Series, Sink, Unit, Value};
use crate::metrics::source::Source;

pub(super) static SERIES: [Series; 5] = [
    Series::new(
        Kind::Gauge,
        ["tokio_workers", "tokio.workers"],
        None,
        "The worker threads of the application's runtime.",
        |source, sink| count(source, RuntimeMetrics::num_workers, sink),
    ),
    Series::new(
        Kind::Gauge,
        ["tokio_alive_tasks", "tokio.alive_tasks"],
        None,
        "The tasks of the application's runtime that have not ended.",
        |source, sink| count(source, RuntimeMetrics::num_alive_tasks, sink),
    ),
    Series::new(
        Kind::Gauge,
        ["tokio_global_queue_depth", "tokio.global_queue_depth"],
        None,
        "The tasks that wait in the global queue of the application's runtime.",
        |source, sink| count(source, RuntimeMetrics::global_queue_depth, sink),
    ),
    Series::new(
        Kind::RealCounter,
        ["tokio_busy", "tokio.busy"],
        Some(Unit::Seconds),
        "How long the workers of the application's runtime have been busy, all together.",
        |source, sink| {
            if let Some(busy) = source.runtime.as_ref().and_then(busy) {
                sink(&[], Value::Real(busy.as_secs_f64()));
            }
        },
    ),
    Series::new(
        Kind::Gauge,
        ["runtime_lag", "runtime.lag"],
        Some(Unit::Seconds),
        "How long the application's runtime has run no task, once that is more than a second.",
        |source, sink| {
            if let Some(lag) = source.runtime_lag.measured() {
                sink(&[], Value::Real(lag.as_secs_f64()));
            }
        },
    ),
];

fn count(source: &Source, read: fn(&RuntimeMetrics) -> usize, sink: &mut Sink<'_>) {
    if let Some(runtime) = &source.runtime {
        sink(&[], Value::Whole(read(runtime) as u64));
    }
}

#[cfg(target_has_atomic = "64")]
fn busy(runtime: &RuntimeMetrics) -> Option<Duration> {
    Some((0..runtime.num_workers()).map(|worker| runtime.worker_total_busy_duration(worker)).sum())
}

/// Tokio counts it with atomics of 64 bits.
#[cfg(not(target_has_atomic = "64"))]
fn busy(_: &RuntimeMetrics) -> Option<Duration> {
    None
}
