//! The grammar of one line.

use super::cursor::Cursor;
use crate::metrics::format::Format;

/// The last line of an OpenMetrics text.
pub(super) const EOF: &str = "# EOF";

#[derive(Debug)]
pub(super) enum Line<'a> {
    /// An empty line or a comment.
    Nothing,
    Help {
        name: &'a str,
        text: &'a str,
    },
    Type {
        name: &'a str,
        kind: &'a str,
    },
    Unit {
        name: &'a str,
    },
    Eof,
    Sample(Sample<'a>),
}

#[derive(Debug)]
pub(super) struct Sample<'a> {
    pub(super) name: &'a str,
    /// The name and the labels, as they are written.
    pub(super) series: &'a str,
    /// Each value is what is written between its quotes.
    pub(super) labels: Vec<(&'a str, &'a str)>,
    pub(super) value: &'a str,
    pub(super) timestamp: Option<&'a str>,
    pub(super) has_exemplar: bool,
}

impl<'a> Sample<'a> {
    pub(super) fn label(&self, name: &str) -> Option<&'a str> {
        self.labels.iter().find(|(own, _)| *own == name).map(|(_, value)| *value)
    }
}

/// Reads one line.
pub(super) fn parse(line: &str, format: Format) -> Result<Line<'_>, String> {
    match format {
        _ if line == EOF => Ok(Line::Eof),
        Format::Text => match line.trim_matches([' ', '\t']) {
            "" => Ok(Line::Nothing),
            line if line.starts_with('#') => comment(line, format),
            line => sample(line, format).map(Line::Sample),
        },
        Format::OpenMetrics if line.starts_with('#') => comment(line, format),
        Format::OpenMetrics => sample(line, format).map(Line::Sample),
    }
}

fn comment(line: &str, format: Format) -> Result<Line<'_>, String> {
    let mut rest = Cursor::new(line, format);
    rest.expect('#')?;
    rest.skip_blanks();
    let keyword = rest.word();
    match (keyword, format) {
        ("HELP" | "TYPE", _) | ("UNIT", Format::OpenMetrics) => {}
        (_, Format::Text) => return Ok(Line::Nothing),
        (_, Format::OpenMetrics) => {
            return Err("only `# HELP`, `# TYPE`, `# UNIT` and `# EOF` may begin with `#`".into());
        }
    }
    rest.expect_blank()?;
    let name = rest.metric_name()?;
    // The text of a HELP may be empty.
    if !rest.is_at_end() {
        rest.expect_blank()?;
    }
    let text = rest.rest();
    match keyword {
        "HELP" => {
            // OpenMetrics escapes quotes, too.
            let escaped = if format == Format::Text { &['\\', 'n'][..] } else { &['\\', 'n', '"'] };
            Cursor::new(text, format).validate_escapes(escaped)?;
            Ok(Line::Help { name, text })
        }
        "TYPE" => Ok(Line::Type { name, kind: text }),
        _ => Ok(Line::Unit { name }),
    }
}

fn sample(line: &str, format: Format) -> Result<Sample<'_>, String> {
    let mut rest = Cursor::new(line, format);
    let name = rest.metric_name()?;
    let labels = rest.labels()?;
    let series = rest.before();
    match labels {
        // The brace ends the labels.
        Some(_) if format == Format::Text => rest.skip_blanks(),
        _ => rest.expect_blank()?,
    }
    let value = rest.number()?;
    let mut sample = Sample {
        name,
        series,
        labels: labels.unwrap_or_default(),
        value,
        timestamp: None,
        has_exemplar: false,
    };
    if !rest.is_at_end() {
        rest.expect_blank()?;
        if !rest.is_at('#') {
            sample.timestamp = Some(rest.timestamp()?);
        }
    }
    if format == Format::OpenMetrics && !rest.is_at_end() {
        if sample.timestamp.is_some() {
            rest.expect_blank()?;
        }
        exemplar(&mut rest)?;
        sample.has_exemplar = true;
    }
    match rest.is_at_end() {
        true => Ok(sample),
        false => Err(format!("`{}` follows the end of the sample", rest.rest())),
    }
}

fn exemplar(rest: &mut Cursor<'_>) -> Result<(), String> {
    rest.expect('#')?;
    rest.expect_blank()?;
    if rest.labels()?.is_none() {
        return Err("an exemplar has no labels".into());
    }
    rest.expect_blank()?;
    rest.number()?;
    if !rest.is_at_end() {
        rest.expect_blank()?;
        rest.timestamp()?;
    }
    Ok(())
}
