//! The description of what there is to show.

use crate::metrics::source::Source;
use crate::report::durations;

/// The samples of one name.
pub(crate) struct Series {
    /// Without the unit and without `_total`, which [`full_name`](Self::full_name) adds.
    #[cfg_attr(
        not(any(feature = "metrics", feature = "prometheus")),
        expect(dead_code, reason = "an instrument has another name")
    )]
    pub(crate) name: &'static str,
    /// The name of the instrument of OpenTelemetry.
    #[cfg_attr(
        not(any(feature = "actuator", feature = "opentelemetry")),
        expect(dead_code, reason = "there are no instruments")
    )]
    pub(crate) instrument: &'static str,
    pub(crate) kind: Kind,
    pub(crate) unit: Option<Unit>,
    pub(crate) help: &'static str,
    /// Passes each sample on.
    pub(crate) read: fn(&Source, &mut Sink<'_>),
}

/// Takes the labels and the value of a sample.
pub(crate) type Sink<'a> = dyn FnMut(&[(&'static str, &str)], Value) + 'a;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Gauge,
    /// A whole number that only grows.
    Counter,
    /// A real number that only grows.
    RealCounter,
    Histogram,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Unit {
    Seconds,
    Bytes,
}

/// The value of a sample.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value {
    Whole(u64),
    Real(f64),
    Histogram {
        /// How many durations are in each bucket alone. The last bucket has no upper bound.
        buckets: [u64; durations::BOUNDS.len() + 1],
        sum: f64,
    },
}

impl Value {
    /// The value of a gauge or of a real counter.
    pub(crate) fn real(self) -> f64 {
        match self {
            // Beyond 2^53, the nearest real number.
            Value::Whole(value) => value as f64,
            Value::Real(value) => value,
            Value::Histogram { sum, .. } => sum,
        }
    }

    /// The value of a counter.
    pub(crate) fn whole(self) -> u64 {
        match self {
            Value::Whole(value) => value,
            // What is negative or too large becomes the nearest whole number.
            Value::Real(value) => value as u64,
            Value::Histogram { buckets, .. } => buckets.iter().sum(),
        }
    }
}

impl Series {
    /// The name in Prometheus.
    #[cfg(any(feature = "metrics", feature = "prometheus"))]
    pub(crate) fn full_name(&self) -> String {
        let unit = match self.unit {
            Some(Unit::Seconds) => "_seconds",
            Some(Unit::Bytes) => "_bytes",
            None => "",
        };
        let total = match self.kind {
            Kind::Counter | Kind::RealCounter => "_total",
            Kind::Gauge | Kind::Histogram => "",
        };
        format!("{}{unit}{total}", self.name)
    }

    pub(crate) const fn new(
        kind: Kind,
        [name, instrument]: [&'static str; 2],
        unit: Option<Unit>,
        help: &'static str,
        read: fn(&Source, &mut Sink<'_>),
    ) -> Self {
        Series { name, instrument, kind, unit, help, read }
    }
}
