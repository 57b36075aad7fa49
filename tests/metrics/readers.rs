//! The same series, read in three ways.

use std::collections::BTreeMap;
use std::sync::Mutex;

use management_core::{Builder, Check, Management};
use metrics_exporter_prometheus::PrometheusBuilder;
use opentelemetry::KeyValue;
use opentelemetry::global::set_meter_provider;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, Metric, MetricData, ScopeMetrics};
use opentelemetry_sdk::metrics::{
    InMemoryMetricExporter, Instrument, PeriodicReader, SdkMeterProvider, Stream,
};
use tokio::time::sleep;

use super::{secs, text};

/// Only what this test is about: every test of this binary has the same meter provider.
const VERSION: &str = "1.2.3-three-ways";
const CHECK: &str = "read in three ways";
const GROUP: &str = "three-ways";

const BOUNDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The values by name and labels. Of what changes with time, there is only the name.
type Samples = BTreeMap<String, f64>;

/// The samples of a text.
fn samples(text: &str) -> Samples {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let samples = lines.map(|line| {
        let (series, value) = line.rsplit_once(' ').unwrap();
        let value = value.parse().unwrap_or_else(|_| panic!("{line}"));
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        let labels = labels.strip_suffix('}').unwrap().split(',').filter(|label| !label.is_empty());
        sample(name, labels.map(str::to_owned), value)
    });
    samples.flatten().collect()
}

fn sample(name: &str, labels: impl Iterator<Item = String>, value: f64) -> Option<(String, f64)> {
    let mut labels: Vec<_> = labels.collect();
    labels.sort();
    let is_of_process = ["process_", "tokio_"].iter().any(|prefix| name.starts_with(prefix));
    let own = [
        format!("check=\"{CHECK}\""),
        format!("group=\"{GROUP}\""),
        format!("version=\"{VERSION}\""),
    ];
    // What another service of this process may have set, since OpenTelemetry's provider is one for all.
    if is_of_process || name == "health_draining" {
        return Some((name.to_owned(), 0.0));
    }
    let is_ours = labels.iter().any(|label| own.contains(label));
    is_ours.then(|| (format!("{name}{{{}}}", labels.join(",")), value))
}

/// The samples that a Prometheus exporter of OpenTelemetry would make of what was exported.
fn of_opentelemetry(exporter: &InMemoryMetricExporter) -> Samples {
    let exported = exporter.get_finished_metrics().unwrap();
    let scopes = exported.last().expect("an export").scope_metrics();
    let metrics = scopes.filter(|scope| scope.scope().name() == "management");
    metrics.flat_map(ScopeMetrics::metrics).flat_map(of_metric).collect()
}

fn of_metric(metric: &Metric) -> Vec<(String, f64)> {
    let unit = match metric.unit() {
        "s" => "_seconds",
        "By" => "_bytes",
        "" => "",
        other => panic!("{other}"),
    };
    let name = metric.name().replace('.', "_");
    // The exporter adds what the name does not have.
    let add = |name: String, more: &str| match name.contains(more) {
        true => name,
        false => name + more,
    };
    let name = add(name, unit);
    let points: Vec<(String, Vec<KeyValue>, f64)> = match metric.data() {
        AggregatedMetrics::F64(MetricData::Gauge(gauge)) => gauge
            .data_points()
            .map(|point| (name.clone(), point.attributes().cloned().collect(), point.value()))
            .collect(),
        AggregatedMetrics::F64(MetricData::Sum(sum)) if sum.is_monotonic() => sum
            .data_points()
            .map(|point| {
                (add(name.clone(), "_total"), point.attributes().cloned().collect(), point.value())
            })
            .collect(),
        AggregatedMetrics::U64(MetricData::Sum(sum)) if sum.is_monotonic() => sum
            .data_points()
            .map(|point| {
                let value = point.value() as f64;
                (add(name.clone(), "_total"), point.attributes().cloned().collect(), value)
            })
            .collect(),
        AggregatedMetrics::F64(MetricData::Histogram(histogram)) => {
            let mut points = Vec::new();
            for point in histogram.data_points() {
                let attributes: Vec<_> = point.attributes().cloned().collect();
                assert_eq!(point.bounds().collect::<Vec<_>>(), BOUNDS);
                let mut cumulative = 0;
                let bounds = point.bounds().map(|bound| bound.to_string());
                for (bound, count) in bounds.chain(["+Inf".into()]).zip(point.bucket_counts()) {
                    cumulative += count;
                    let le = [KeyValue::new("le", bound)];
                    let attributes = [&attributes[..], &le].concat();
                    points.push((format!("{name}_bucket"), attributes, cumulative as f64));
                }
                points.push((format!("{name}_sum"), attributes.clone(), point.sum()));
                points.push((format!("{name}_count"), attributes, point.count() as f64));
            }
            points
        }
        other => panic!("{name} is {other:?}"),
    };
    let samples = points.into_iter().map(|(name, attributes, value)| {
        let labels = attributes.iter().map(|pair| format!("{}=\"{}\"", pair.key, pair.value));
        sample(&name, labels, value)
    });
    samples.flatten().collect()
}

#[tokio::test(start_paused = true)]
async fn three_ways() {
    let exporter = InMemoryMetricExporter::default();
    let reader = PeriodicReader::builder(exporter.clone()).build();
    // Services of other tests, one of which has thousands of checks, share the provider while they exist.
    let unlimited =
        |_: &Instrument| Stream::builder().with_cardinality_limit(1_000_000).build().ok();
    let provider = SdkMeterProvider::builder().with_reader(reader).with_view(unlimited).build();
    set_meter_provider(provider.clone());
    let builder = PrometheusBuilder::new().set_buckets(&BOUNDS).unwrap();
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    let _recorder = metrics::set_default_local_recorder(&recorder);

    let answers = Mutex::new(vec![Err("gone"), Ok(()), Ok(()), Err("gone")]);
    let check = Check::new(CHECK, move || {
        let answer = answers.lock().unwrap().pop().unwrap();
        async move {
            sleep(std::time::Duration::from_millis(250)).await;
            answer
        }
    });
    let check = check.groups([GROUP]).interval(secs(60));
    let management = Management::builder().check(check).version_provider(async || VERSION);
    let management = Builder::build(management).unwrap();
    // Four runs, and the time until the present values have been emitted again.
    sleep(secs(3 * 70)).await;

    let text = samples(&text(&management).await);
    assert_eq!(text["health_check_transitions_total{check=\"read in three ways\",to=\"up\"}"], 1.0);
    assert_eq!(text["health_check_duration_seconds_count{check=\"read in three ways\"}"], 4.0);
    assert_eq!(text["health_status{group=\"three-ways\",state=\"down\"}"], 1.0);
    assert!(text.contains_key("process_cpu_seconds_total"), "{text:#?}");

    assert_eq!(samples(&handle.render()), text);
    provider.force_flush().unwrap();
    assert_eq!(of_opentelemetry(&exporter), text);

    // Nothing is left of what is gone.
    drop(management);
    exporter.reset();
    provider.force_flush().unwrap();
    let left = of_opentelemetry(&exporter);
    let is_observed = |name: &&String| !name.starts_with("health_check_duration");
    let left: Vec<_> =
        left.keys().filter(|name| name.contains(CHECK)).filter(is_observed).collect();
    assert_eq!(left, [""; 0]);
}

/// The number of tasks that have not ended.
fn tasks() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

#[tokio::test(start_paused = true)]
async fn nothing_is_emitted_once_the_management_is_gone() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let _recorder = metrics::set_default_local_recorder(&recorder);
    let before = tasks();
    let management = Management::builder().build().unwrap();
    assert!(tasks() > before);
    sleep(secs(11)).await;
    assert!(handle.render().contains("health_draining 0"), "{}", handle.render());
    drop(management);
    // Long before the next emission.
    sleep(std::time::Duration::from_millis(10)).await;
    assert_eq!(tasks(), before);
}
