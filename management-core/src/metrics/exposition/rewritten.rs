//! An OpenMetrics text as version 0.0.4.

use super::families::{Families, Type};
use super::line::{self, Line, Sample};
use crate::metrics::format::Format;

/// The same samples in version 0.0.4, which has no units, no exemplars and no times of creation.
pub(super) fn rewrite(text: &str, families: &Families<'_>) -> String {
    let mut rewritten = String::with_capacity(text.len());
    let lines = text.lines().filter_map(|line| line::parse(line, Format::OpenMetrics).ok());
    for line in lines.filter_map(|line| rewrite_line(&line, families)) {
        rewritten += &line;
        rewritten.push('\n');
    }
    rewritten
}

fn rewrite_line(line: &Line<'_>, families: &Families<'_>) -> Option<String> {
    match line {
        Line::Help { name, text } => {
            let suffix = suffix(families.type_of(name)?)?;
            Some(format!("# HELP {name}{suffix} {}", without_escaped_quotes(text)))
        }
        Line::Type { name, .. } => {
            let of = families.type_of(name)?;
            let kind = match of {
                Type::Counter => "counter",
                Type::Gauge | Type::Info | Type::StateSet => "gauge",
                Type::Histogram => "histogram",
                Type::Summary => "summary",
                Type::Unknown => "untyped",
                Type::GaugeHistogram => return None,
            };
            Some(format!("# TYPE {name}{} {kind}", suffix(of)?))
        }
        Line::Sample(sample) => rewrite_sample(sample, families),
        Line::Nothing | Line::Unit { .. } | Line::Eof => None,
    }
}

/// What the name of a metric has in addition in version 0.0.4; `None` if that version does not know its type.
fn suffix(of: Type) -> Option<&'static str> {
    match of {
        Type::Counter => Some("_total"),
        Type::Info => Some("_info"),
        Type::GaugeHistogram => None,
        Type::Gauge | Type::Histogram | Type::Summary | Type::StateSet | Type::Unknown => Some(""),
    }
}

fn rewrite_sample(sample: &Sample<'_>, families: &Families<'_>) -> Option<String> {
    if let Some((_, _, "_created")) = families.owner(sample.name, Format::OpenMetrics) {
        return None;
    }
    let Sample { series, value, .. } = sample;
    // Seconds become milliseconds.
    let millis = sample.timestamp.and_then(|seconds| seconds.parse::<f64>().ok());
    let millis = millis.map(|seconds| format!(" {}", (seconds * 1000.0).round() as i64));
    Some(format!("{series} {value}{}", millis.unwrap_or_default()))
}

/// Version 0.0.4 escapes no quotes in a HELP.
fn without_escaped_quotes(text: &str) -> String {
    let mut rest = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (character, character == '\\') {
            (_, true) => match characters.next() {
                Some('"') => rest.push('"'),
                other => rest.extend(['\\'].into_iter().chain(other)),
            },
            (character, false) => rest.push(character),
        }
    }
    rest
}
