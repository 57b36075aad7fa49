//! Bodies as the Kubernetes API server writes them: `ok`, or a line for each check and one for all.

use std::collections::BTreeSet;
use std::fmt::{self, Write};
use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;

use crate::check::status::Status;
use crate::config::exposure::Codes;
use crate::report::component::Component;
use crate::report::health_group::HealthGroup;
use crate::report::health_report::HealthReport;
use crate::report::registered::RegisteredCheck;

/// How many unknown names a warning lists.
const MAX_NAMES: usize = 10;

/// How much of each name it shows.
const MAX_NAME_CHARS: usize = 128;

/// What the lines of an answer have in common.
pub(super) struct Lines<'a> {
    /// The name of the answer in the last line.
    pub(super) label: &'a str,
    pub(super) code: StatusCode,
    pub(super) codes: &'a Codes,
    pub(super) verbose: bool,
    pub(super) details: bool,
}

/// The names that a request excludes: members of the group, and others.
#[derive(Default)]
pub(super) struct Excluded {
    known: Vec<String>,
    unknown: Vec<String>,
}

impl Excluded {
    pub(super) fn new(
        names: &BTreeSet<String>,
        group: &HealthGroup,
        checks: &[Arc<RegisteredCheck>],
    ) -> Self {
        let is_known = |name: &String| {
            let found = checks.binary_search_by(|check| check.name().cmp(name));
            group.has_own(name) || found.is_ok_and(|at| group.can_have(&checks[at]))
        };
        let (known, unknown) = names.iter().cloned().partition(is_known);
        Excluded { known, unknown }
    }
}

impl Lines<'_> {
    /// The answer about a group.
    pub(super) fn report(&self, report: &HealthReport, excluded: &Excluded) -> Bytes {
        self.write(|text| {
            let mut left_out = excluded.known.iter().peekable();
            for component in report.components() {
                while let Some(name) = left_out.next_if(|name| &***name < component.name()) {
                    writeln!(text, "[+]{name} excluded: ok")?;
                }
                self.line(text, component, component.effective_status())?;
            }
            for name in left_out {
                writeln!(text, "[+]{name} excluded: ok")?;
            }
            warn(text, &excluded.unknown)
        })
    }

    /// The answer about one check.
    pub(super) fn single(&self, component: &Component) -> Bytes {
        self.write(|text| self.line(text, component, component.status()))
    }

    fn write(&self, lines: impl FnOnce(&mut String) -> fmt::Result) -> Bytes {
        let is_passing = self.code == StatusCode::OK;
        if is_passing && !self.verbose {
            return Bytes::from_static(b"ok");
        }
        let mut text = String::new();
        let outcome = if is_passing { "passed" } else { "failed" };
        lines(&mut text)
            .and_then(|()| writeln!(text, "{} check {outcome}", self.label))
            .expect("writing to a string does not fail");
        Bytes::from(text)
    }

    /// The line of one check, whose status counts as `effective` in the answer.
    fn line(&self, text: &mut String, component: &Component, effective: Status) -> fmt::Result {
        let (name, status) = (component.name(), component.status());
        if self.codes.of(effective) != StatusCode::OK {
            let reason = component.health().reason().unwrap_or(status.as_str());
            let reason = if self.details { reason } else { "reason withheld" };
            return writeln!(text, "[-]{name} failed: {reason}");
        }
        match status {
            Status::Up => writeln!(text, "[+]{name} ok"),
            _ if effective == status => writeln!(text, "[+]{name} {status}: ok"),
            _ => writeln!(text, "[+]{name} {status}, not critical: ok"),
        }
    }
}

fn warn(text: &mut String, unknown: &[String]) -> fmt::Result {
    if unknown.is_empty() {
        return Ok(());
    }
    text.push_str("warn: some health checks cannot be excluded: no matches for ");
    for (position, name) in unknown.iter().take(MAX_NAMES).enumerate() {
        if position > 0 {
            text.push(',');
        }
        quote(text, name)?;
    }
    if let Some(more) = unknown.len().checked_sub(MAX_NAMES).filter(|more| *more > 0) {
        write!(text, " and {more} more")?;
    }
    text.push('\n');
    Ok(())
}

/// Quotes a name as Go's `%q` does, so that a client adds no lines of its own.
fn quote(text: &mut String, name: &str) -> fmt::Result {
    text.push('"');
    for c in name.chars().take(MAX_NAME_CHARS) {
        match c {
            '"' | '\\' => write!(text, "\\{c}")?,
            '\u{7}' => text.push_str("\\a"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{b}' => text.push_str("\\v"),
            ' '..='~' => text.push(c),
            '\0'..='\u{7f}' => write!(text, "\\x{:02x}", u32::from(c))?,
            _ if is_printable(c) => text.push(c),
            '\0'..='\u{ffff}' => write!(text, "\\u{:04x}", u32::from(c))?,
            _ => write!(text, "\\U{:08x}", u32::from(c))?,
        }
    }
    if name.chars().nth(MAX_NAME_CHARS).is_some() {
        text.push('…');
    }
    text.push('"');
    Ok(())
}

/// Whether a character beyond ASCII is visible.
fn is_printable(c: char) -> bool {
    // A combining mark is escaped unless it follows a character.
    let shown = format!("a{c}");
    shown.escape_debug().eq(shown.chars())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_as_go_does() {
        for (name, quoted) in [
            ("foo", r#""foo""#),
            ("", r#""""#),
            ("it's a\\b\"c", r#""it's a\\b\"c""#),
            ("a\nreadyz check passed\r\n", r#""a\nreadyz check passed\r\n""#),
            ("\0\u{1}\u{7}\u{8}\t\u{b}\u{c}\u{1b}\u{7f}", r#""\x00\x01\a\b\t\v\f\x1b\x7f""#),
            ("größe ☺ e\u{301} \u{1F600}", "\"größe ☺ e\u{301} \u{1F600}\""),
            ("\u{85}\u{a0}\u{2028}\u{200b}\u{feff}", r#""\u0085\u00a0\u2028\u200b\ufeff""#),
            ("\u{e0001}", r#""\U000e0001""#),
        ] {
            let mut text = String::new();
            quote(&mut text, name).unwrap();
            assert_eq!(text, quoted);
        }
    }

    #[test]
    fn a_warning_has_an_end() {
        let mut text = String::new();
        let unknown: Vec<_> = (0..1000).map(|number| format!("{number:x<500}")).collect();
        warn(&mut text, &unknown).unwrap();
        assert!(text.len() < 2000 && text.ends_with("\" and 990 more\n"), "{text}");
        assert_eq!(text.matches('…').count(), 10, "{text}");
        let mut text = String::new();
        warn(&mut text, &unknown[..10]).unwrap();
        assert!(text.ends_with("\"\n"), "{text}");
    }
}
