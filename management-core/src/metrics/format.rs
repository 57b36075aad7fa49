use std::fmt;

/// The texts that Prometheus reads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Format {
    /// Version 0.0.4 of Prometheus' own text.
    Text,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Text => "Prometheus' text format",
            Format::OpenMetrics => "OpenMetrics",
        })
    }
}
