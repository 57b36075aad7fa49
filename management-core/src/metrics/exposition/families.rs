//! What the lines of a text mean together.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::cursor::is_number;
use super::line::{Line, Sample};
use crate::metrics::format::Format;

/// The metrics of the lines so far.
#[derive(Default)]
pub(super) struct Families<'a> {
    /// The type of each metric that has one.
    types: BTreeMap<&'a str, Type>,
    described: HashSet<(&'static str, &'a str)>,
    /// The names of samples.
    sampled: BTreeSet<&'a str>,
    /// The name and the labels of each sample.
    series: HashSet<&'a str>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Type {
    Counter,
    Gauge,
    Histogram,
    GaugeHistogram,
    Summary,
    Info,
    StateSet,
    Unknown,
}

impl Type {
    fn named(word: &str, format: Format) -> Option<Self> {
        Some(match (word, format) {
            ("counter", _) => Type::Counter,
            ("gauge", _) => Type::Gauge,
            ("histogram", _) => Type::Histogram,
            ("summary", _) => Type::Summary,
            ("untyped", Format::Text) | ("unknown", Format::OpenMetrics) => Type::Unknown,
            ("gaugehistogram", Format::OpenMetrics) => Type::GaugeHistogram,
            ("info", Format::OpenMetrics) => Type::Info,
            ("stateset", Format::OpenMetrics) => Type::StateSet,
            _ => return None,
        })
    }

    /// What the names of its samples have in addition to its own.
    fn suffixes(self, format: Format) -> &'static [&'static str] {
        match (self, format) {
            (Type::Counter, Format::OpenMetrics) => &["_total", "_created"],
            (Type::Counter | Type::Gauge | Type::Unknown | Type::StateSet, _) => &[""],
            (Type::Histogram, Format::Text) => &["_bucket", "_sum", "_count"],
            (Type::Histogram, Format::OpenMetrics) => &["_bucket", "_sum", "_count", "_created"],
            (Type::GaugeHistogram, _) => &["_bucket", "_gsum", "_gcount"],
            (Type::Summary, Format::Text) => &["", "_sum", "_count"],
            (Type::Summary, Format::OpenMetrics) => &["", "_sum", "_count", "_created"],
            (Type::Info, _) => &["_info"],
        }
    }
}

impl<'a> Families<'a> {
    /// Adds a line, unless it contradicts those before it.
    pub(super) fn add(&mut self, line: &Line<'a>, format: Format) -> Result<(), String> {
        match line {
            Line::Nothing | Line::Eof => Ok(()),
            Line::Help { name, .. } => self.describe("HELP", name),
            Line::Unit { name } => self.describe("UNIT", name),
            Line::Type { name, kind } => {
                self.describe("TYPE", name)?;
                let Some(of) = Type::named(kind, format) else {
                    return Err(format!("`{kind}` is not a type in {format}"));
                };
                let mut samples =
                    of.suffixes(format).iter().map(|suffix| format!("{name}{suffix}"));
                if samples.any(|sample| self.sampled.contains(&*sample)) {
                    return Err(format!("the TYPE of `{name}` comes after its samples"));
                }
                self.types.insert(name, of);
                Ok(())
            }
            Line::Sample(sample) => self.sample(sample, format),
        }
    }

    /// The type of a metric, if the text says it.
    pub(super) fn type_of(&self, name: &str) -> Option<Type> {
        self.types.get(name).copied()
    }

    /// The metric of a sample, and what the name of the sample has in addition.
    pub(super) fn owner<'n>(
        &self,
        sample: &'n str,
        format: Format,
    ) -> Option<(Type, &'n str, &'static str)> {
        const SUFFIXES: [&str; 9] =
            ["", "_total", "_created", "_bucket", "_sum", "_count", "_gsum", "_gcount", "_info"];
        SUFFIXES.into_iter().find_map(|suffix| {
            let name = sample.strip_suffix(suffix)?;
            let of = *self.types.get(name)?;
            of.suffixes(format).contains(&suffix).then_some((of, name, suffix))
        })
    }

    /// The names of metrics and of samples.
    pub(super) fn names(self) -> BTreeSet<String> {
        let described = self.described.into_iter().map(|(_, name)| name);
        described.chain(self.sampled).map(str::to_owned).collect()
    }

    fn describe(&mut self, keyword: &'static str, name: &'a str) -> Result<(), String> {
        match self.described.insert((keyword, name)) {
            true => Ok(()),
            false => Err(format!("`{name}` has two lines `# {keyword}`")),
        }
    }

    fn sample(&mut self, sample: &Sample<'a>, format: Format) -> Result<(), String> {
        let name = sample.name;
        let owner = self.owner(name, format);
        if owner.is_none()
            && let Some(of) = self.types.get(name)
        {
            let expected = of.suffixes(format).join("`, `");
            return Err(format!("the samples of `{name}` end with `{expected}`, as its TYPE says"));
        }
        let needed = match owner {
            Some((Type::Histogram | Type::GaugeHistogram, _, "_bucket")) => Some("le"),
            Some((Type::Summary, _, "")) => Some("quantile"),
            _ => None,
        };
        if let Some(label) = needed
            && !sample.label(label).is_some_and(is_number)
        {
            return Err(format!("`{name}` needs a label `{label}` that is a number"));
        }
        if sample.has_exemplar && !matches!(owner, Some((_, _, "_total" | "_bucket"))) {
            return Err(format!("`{name}` cannot have an exemplar"));
        }
        if !self.series.insert(sample.series) {
            return Err(format!("`{}` is there twice", sample.series));
        }
        self.sampled.insert(name);
        Ok(())
    }
}
