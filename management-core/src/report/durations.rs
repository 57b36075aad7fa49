//! The durations of runs, for those who have to be given each of them.

/// The upper bounds of the buckets, in seconds. They are those of most Prometheus clients.
pub(crate) const BOUNDS: [f64; 11] =
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The histogram as an instrument of OpenTelemetry.
#[cfg(feature = "_series")]
pub(crate) const INSTRUMENT: &str = "health_check.duration";

/// What the histogram is about, wherever it is shown.
#[cfg(feature = "_series")]
pub(crate) const HELP: &str = "How long the runs of a check took.";

/// The histograms of others. They count for themselves, whereas everything else can be read when it is shown.
#[derive(Debug)]
pub(crate) struct Durations {
    #[cfg(feature = "opentelemetry")]
    histogram: opentelemetry::metrics::Histogram<f64>,
}

impl Durations {
    pub(crate) fn new() -> Self {
        Durations {
            #[cfg(feature = "opentelemetry")]
            histogram: opentelemetry::global::meter("management")
                .f64_histogram(INSTRUMENT)
                .with_unit("s")
                .with_description(HELP)
                .with_boundaries(BOUNDS.to_vec())
                .build(),
        }
    }

    /// Passes on the duration of a run, in seconds.
    #[cfg_attr(
        not(any(feature = "metrics", feature = "opentelemetry")),
        expect(unused_variables, reason = "there is nobody to pass it on to")
    )]
    pub(crate) fn record(&self, check: &str, seconds: f64) {
        #[cfg(feature = "metrics")]
        ::metrics::histogram!("health_check_duration_seconds", "check" => check.to_owned())
            .record(seconds);
        #[cfg(feature = "opentelemetry")]
        self.histogram.record(seconds, &[opentelemetry::KeyValue::new("check", check.to_owned())]);
    }
}
