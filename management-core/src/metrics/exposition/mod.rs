//! The text of another exporter, validated.

mod cursor;
mod families;
mod line;
mod rewritten;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::metrics::format::Format;
use families::Families;
use line::Line;

/// The valid text of another exporter.
#[derive(Debug)]
pub(crate) struct Exposition {
    /// As version 0.0.4.
    text: String,
    /// Without its last line, if the exporter has given OpenMetrics.
    openmetrics: Option<String>,
    /// The names of its metrics and of their samples.
    names: BTreeSet<String>,
}

impl Exposition {
    /// Reads a text. One that has a line `# EOF` is OpenMetrics.
    ///
    /// # Errors
    ///
    /// Says what is wrong with the first line that is not valid.
    pub(crate) fn parse(mut text: String) -> Result<Self, String> {
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        let is_openmetrics = text.lines().any(|line| line == line::EOF);
        let format = if is_openmetrics { Format::OpenMetrics } else { Format::Text };
        let mut families = Families::default();
        let mut has_ended = false;
        for (at, line) in text.split_terminator('\n').enumerate() {
            let added = if has_ended {
                Err("nothing follows `# EOF`".into())
            } else {
                line::parse(line, format).and_then(|line| {
                    has_ended = matches!(line, Line::Eof);
                    families.add(&line, format)
                })
            };
            added.map_err(|why| format!("line {}: {why}", at + 1))?;
        }
        if !is_openmetrics {
            let names = families.names();
            return Ok(Exposition { text, openmetrics: None, names });
        }
        let rewritten = rewritten::rewrite(&text, &families);
        let names = families.names();
        text.truncate(text.len() - line::EOF.len() - 1);
        Ok(Exposition { text: rewritten, openmetrics: Some(text), names })
    }

    /// Whether it can be a part of an OpenMetrics text.
    pub(crate) fn is_openmetrics(&self) -> bool {
        self.openmetrics.is_some()
    }

    /// Whether it has a metric or a sample of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// Its lines. They can be OpenMetrics only if they were.
    pub(crate) fn text(&self, format: Format) -> &str {
        match (format, &self.openmetrics) {
            (Format::OpenMetrics, Some(text)) => text,
            _ => &self.text,
        }
    }
}
