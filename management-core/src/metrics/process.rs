//! The series of the process, under the names that every Prometheus client gives them.

use crate::info::usage::Usage;
use crate::metrics::series::{Kind, Series, Sink, Unit, Value};
use crate::metrics::source::Source;

pub(super) static SERIES: [Series; 7] = [
    Series::new(
        Kind::Gauge,
        ["process_start_time", "process_start_time_seconds"],
        Some(Unit::Seconds),
        "When the process started, in Unix time.",
        |source, sink| real(source, |usage| usage.started, sink),
    ),
    Series::new(
        Kind::RealCounter,
        ["process_cpu", "process_cpu_seconds_total"],
        Some(Unit::Seconds),
        "How much processor time the process has used, in the program and in the kernel.",
        |source, sink| real(source, |usage| usage.cpu, sink),
    ),
    Series::new(
        Kind::Gauge,
        ["process_resident_memory", "process_resident_memory_bytes"],
        Some(Unit::Bytes),
        "How much memory of the machine the process occupies.",
        |source, sink| whole(source, |usage| usage.resident_bytes, sink),
    ),
    Series::new(
        Kind::Gauge,
        ["process_open_fds", "process_open_fds"],
        None,
        "The open file descriptors of the process.",
        |source, sink| whole(source, |usage| usage.open_fds, sink),
    ),
    Series::new(
        Kind::Gauge,
        ["process_max_fds", "process_max_fds"],
        None,
        "How many file descriptors the process may have open.",
        |source, sink| whole(source, |usage| usage.max_fds, sink),
    ),
    Series::new(
        Kind::Gauge,
        ["process_threads", "process_threads"],
        None,
        "The threads of the process.",
        |source, sink| whole(source, |usage| usage.threads, sink),
    ),
    Series::new(
        Kind::Gauge,
        ["build_info", "build_info"],
        None,
        "Which program the process runs, in the labels; the value is 1.",
        |source, sink| {
            if let Some(build) = &source.build {
                let labels = [("version", &*build.version), ("revision", &*build.revision)];
                sink(&labels, Value::Whole(1));
            }
        },
    ),
];

fn real(source: &Source, read: fn(&Usage) -> Option<f64>, sink: &mut Sink<'_>) {
    if let Some(value) = read(source.usage()) {
        sink(&[], Value::Real(value));
    }
}

fn whole(source: &Source, read: fn(&Usage) -> Option<u64>, sink: &mut Sink<'_>) {
    if let Some(value) = read(source.usage()) {
        sink(&[], Value::Whole(value));
    }
}
