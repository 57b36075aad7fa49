//! The series as instruments of OpenTelemetry.

use std::sync::Arc;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{AsyncInstrument, Meter};

use crate::metrics::series::{Kind, Series, Unit, Value};
use crate::metrics::source::Source;

/// Reads what there is now; `None` once the `Management` is gone.
type Read = dyn Fn() -> Option<Source> + Send + Sync;

/// Registers an instrument for each series at the program's meter provider, except for the durations, which a histogram
/// is given when they are measured.
pub(crate) fn register(read: impl Fn() -> Option<Source> + Send + Sync + 'static) {
    let meter = opentelemetry::global::meter("management");
    let read: Arc<Read> = Arc::new(read);
    for series in super::all() {
        register_series(series, &meter, Arc::clone(&read));
    }
}

fn register_series(series: &'static Series, meter: &Meter, read: Arc<Read>) {
    let (name, help) = (series.instrument, series.help);
    let unit = match series.unit {
        Some(Unit::Seconds) => "s",
        Some(Unit::Bytes) => "By",
        None => "",
    };
    let real = |read: Arc<Read>| {
        move |instrument: &dyn AsyncInstrument<f64>| {
            observe(series, &*read, |value, labels| instrument.observe(value.real(), labels));
        }
    };
    let whole = |read: Arc<Read>| {
        move |instrument: &dyn AsyncInstrument<u64>| {
            observe(series, &*read, |value, labels| instrument.observe(value.whole(), labels));
        }
    };
    // The provider keeps the instruments with their callbacks.
    match series.kind {
        Kind::Gauge => {
            let gauge = meter.f64_observable_gauge(name).with_description(help).with_unit(unit);
            _ = gauge.with_callback(real(read)).build();
        }
        Kind::Counter => {
            let counter = meter.u64_observable_counter(name).with_description(help).with_unit(unit);
            _ = counter.with_callback(whole(read)).build();
        }
        Kind::RealCounter => {
            let counter = meter.f64_observable_counter(name).with_description(help).with_unit(unit);
            _ = counter.with_callback(real(read)).build();
        }
        Kind::Histogram => {}
    }
}

fn observe(series: &Series, read: &Read, observe: impl Fn(Value, &[KeyValue])) {
    let Some(source) = read() else { return };
    (series.read)(&source, &mut |labels, value| {
        let label = |(key, value): &(&'static str, &str)| KeyValue::new(*key, (*value).to_owned());
        let labels: Vec<_> = labels.iter().map(label).collect();
        observe(value, &labels);
    });
}
