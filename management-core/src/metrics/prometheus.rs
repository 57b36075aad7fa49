//! The series as a text for Prometheus.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, prometheus_text, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::exemplar::Exemplar;
use prometheus_client::registry::{self, Registry};

use crate::metrics::exposition::Exposition;
use crate::metrics::format::Format;
use crate::metrics::series::{Kind, Series, Unit, Value};
use crate::metrics::source::Source;
use crate::report::durations::BOUNDS;

/// The series as a text, and behind them what another exporter has to say. A series that it has too is left out.
pub(crate) fn encode(source: Source, other: Option<&Exposition>, format: Format) -> String {
    let is_taken = |series: &&Series| other.is_some_and(|other| is_taken(series, other));
    let left_out = super::all().filter(is_taken).map(|series| series.name).collect();
    let mut registry = Registry::default();
    registry.register_collector(Box::new(All { source, left_out }));
    let mut body = String::new();
    let result = match format {
        Format::Text => prometheus_text::encode(&mut body, &registry),
        Format::OpenMetrics => text::encode_registry(&mut body, &registry),
    };
    result.expect("a `String` takes any text");
    if let Some(other) = other {
        body += other.text(format);
    }
    if format == Format::OpenMetrics {
        body += "# EOF\n";
    }
    body
}

/// The names that both this library and another exporter have.
pub(crate) fn clashes(other: &Exposition) -> Vec<String> {
    super::all().filter(|series| is_taken(series, other)).map(Series::full_name).collect()
}

fn is_taken(series: &Series, other: &Exposition) -> bool {
    let name = series.full_name();
    let suffixes: &[&str] = match series.kind {
        Kind::Histogram => &["", "_bucket", "_sum", "_count"],
        _ => &[""],
    };
    // In OpenMetrics, a counter is described without its `_total`.
    other.has(name.strip_suffix("_total").unwrap_or(&name))
        || suffixes.iter().any(|suffix| other.has(&format!("{name}{suffix}")))
}

#[derive(Debug)]
struct All {
    source: Source,
    left_out: Vec<&'static str>,
}

impl Collector for All {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let kept = super::all().filter(|series| !self.left_out.contains(&series.name));
        kept.into_iter().try_for_each(|series| encode_series(series, &self.source, &mut encoder))
    }
}

fn encode_series(
    series: &Series,
    source: &Source,
    encoder: &mut DescriptorEncoder<'_>,
) -> fmt::Result {
    let Series { name, kind, help, .. } = *series;
    let unit = series.unit.map(|unit| match unit {
        Unit::Seconds => registry::Unit::Seconds,
        Unit::Bytes => registry::Unit::Bytes,
    });
    let metric_type = match kind {
        Kind::Gauge => MetricType::Gauge,
        Kind::Counter | Kind::RealCounter => MetricType::Counter,
        Kind::Histogram => MetricType::Histogram,
    };
    // A series without a sample has no lines at all.
    let (mut encoder, mut metric) = (Some(encoder), None);
    let mut result = Ok(());
    (series.read)(source, &mut |labels, value| {
        if result.is_err() {
            return;
        }
        if let Some(encoder) = encoder.take() {
            metric = encoder.encode_descriptor(name, help, unit.as_ref(), metric_type).ok();
        }
        let sample = metric.as_mut().ok_or(fmt::Error).and_then(|metric| {
            let mut sample = metric.encode_family(&labels)?;
            match (kind, value) {
                (Kind::Gauge, Value::Whole(value)) => sample.encode_gauge(&value),
                (Kind::Gauge, value) => sample.encode_gauge(&value.real()),
                (Kind::Counter, value) => sample.encode_counter(&value.whole(), NONE),
                (Kind::RealCounter, value) => sample.encode_counter(&value.real(), NONE),
                (Kind::Histogram, Value::Histogram { buckets, sum }) => {
                    let bounds = BOUNDS.into_iter().chain([f64::INFINITY]);
                    let all: Vec<_> = bounds.zip(buckets).collect();
                    let count = buckets.iter().sum();
                    sample.encode_histogram::<NoLabels>(sum, count, &all, None)
                }
                (Kind::Histogram, _) => Err(fmt::Error),
            }
        });
        result = sample;
    });
    result
}

type NoLabels = [(&'static str, &'static str); 0];

const NONE: Option<&Exemplar<NoLabels, f64>> = None;
