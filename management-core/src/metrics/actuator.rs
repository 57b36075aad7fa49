//! The series as Actuator has metrics.

use std::collections::{BTreeMap, BTreeSet};
use std::thread::available_parallelism;
use std::time::SystemTime;

use serde::Serialize;

use crate::metrics::series::{Kind, Series, Unit, Value};
use crate::metrics::source::Source;

/// What Spring Boot Admin looks for to show a panel about the process.
static PROCESS: [Series; 4] = [
    Series::new(
        Kind::Gauge,
        ["process_uptime", "process.uptime"],
        Some(Unit::Seconds),
        "How long the process has been running.",
        |source, sink| {
            let now = SystemTime::UNIX_EPOCH.elapsed().map(|now| now.as_secs_f64());
            if let (Some(started), Ok(now)) = (source.usage().started, now) {
                sink(&[], Value::Real((now - started).max(0.0)));
            }
        },
    ),
    Series::new(
        Kind::Gauge,
        ["process_cpu_usage", "process.cpu.usage"],
        None,
        "The share of all processors that the process has used recently, from 0 to 1.",
        |source, sink| {
            if let Some(share) = source.load().process {
                sink(&[], Value::Real(share));
            }
        },
    ),
    Series::new(
        Kind::Gauge,
        ["system_cpu_usage", "system.cpu.usage"],
        None,
        "The share of all processors that was busy recently, from 0 to 1.",
        |source, sink| {
            if let Some(share) = source.load().system {
                sink(&[], Value::Real(share));
            }
        },
    ),
    Series::new(
        Kind::Gauge,
        ["system_cpu_count", "system.cpu.count"],
        None,
        "How many processors this process can use.",
        |_, sink| {
            if let Ok(count) = available_parallelism() {
                sink(&[], Value::Whole(count.get() as u64));
            }
        },
    ),
];

fn all() -> impl Iterator<Item = &'static Series> {
    super::all().chain(&PROCESS)
}

/// The names of all metrics that have a value, sorted.
pub(crate) fn names(source: &Source) -> Vec<&'static str> {
    let has_value = |series: &&Series| {
        let mut has_value = false;
        (series.read)(source, &mut |_, _| has_value = true);
        has_value
    };
    let mut names: Vec<_> = all().filter(has_value).map(|series| series.instrument).collect();
    names.sort_unstable();
    names
}

/// A metric: all of its samples that have the tags, taken together.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Metric {
    name: &'static str,
    description: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    base_unit: Option<&'static str>,
    measurements: Vec<Measurement>,
    available_tags: Vec<Tag>,
}

#[derive(Serialize)]
struct Measurement {
    statistic: &'static str,
    value: f64,
}

/// A tag of the samples, which the request has not given, and its values.
#[derive(Serialize)]
struct Tag {
    tag: &'static str,
    values: BTreeSet<String>,
}

/// The metric of this name; `None` if it has no sample with these tags.
pub(crate) fn metric(source: &Source, name: &str, tags: &[(&str, &str)]) -> Option<Metric> {
    let series = all().find(|series| series.instrument == name)?;
    let (mut samples, mut count, mut sum) = (0_usize, 0_u64, 0.0);
    let mut available = BTreeMap::<&'static str, BTreeSet<String>>::new();
    (series.read)(source, &mut |labels, value| {
        if !tags.iter().all(|tag| labels.iter().any(|label| (label.0, label.1) == *tag)) {
            return;
        }
        samples += 1;
        count += value.whole();
        sum += value.real();
        for (label, value) in labels {
            if !tags.iter().any(|(tag, _)| tag == label) {
                available.entry(label).or_default().insert((*value).to_owned());
            }
        }
    });
    if samples == 0 {
        return None;
    }
    let measurement = |statistic, value| Measurement { statistic, value };
    let measurements = match series.kind {
        Kind::Gauge => vec![measurement("VALUE", sum)],
        Kind::Counter | Kind::RealCounter => vec![measurement("COUNT", sum)],
        Kind::Histogram => {
            vec![measurement("COUNT", count as f64), measurement("TOTAL_TIME", sum)]
        }
    };
    let base_unit = series.unit.map(|unit| match unit {
        Unit::Seconds => "seconds",
        Unit::Bytes => "bytes",
    });
    Some(Metric {
        name: series.instrument,
        description: series.help,
        base_unit,
        measurements,
        available_tags: available.into_iter().map(|(tag, values)| Tag { tag, values }).collect(),
    })
}
