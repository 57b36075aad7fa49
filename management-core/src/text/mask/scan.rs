//! Finds the names of secrets in a text, and the values after them.

use std::ops::Range;

use super::placeholder::{MASK, beginning};
use super::word::{
    first_word, has_known_form, is_in, is_number, is_port, is_prose, last_name, looks_random,
};
use super::words::{KNOWN_FORMS, NOTHING};
use crate::text::secret::{self, Names, is_secret};

pub(super) const QUOTES: [char; 3] = ['"', '\'', '`'];

/// What ends at a byte of a text.
pub(super) enum Found {
    /// The bytes of a secret.
    Secret(Range<usize>),
    Nothing {
        next: usize,
    },
}

/// The separator between a name and its value.
#[derive(Clone, Copy, PartialEq)]
enum Separator {
    /// `=`, `==` or `=>`.
    Equals,
    /// `:` directly before a value.
    Colon,
    /// `:` and a space, as in YAML, headers and errors.
    ColonAndSpace,
}

/// A text, and the names whose values are secret in it.
pub(super) struct Scan<'a> {
    pub(super) text: &'a str,
    pub(super) names: &'a Names,
}

/// A name before a separator.
struct Key<'a> {
    name: &'a str,
    start: usize,
    /// Whether the program has added it, so that every value after it is secret.
    is_added: bool,
}

impl<'a> Scan<'a> {
    /// Whether the byte at `at` ends a name whose value is secret. Text before `floor` is ignored.
    pub(super) fn secret_at(&self, at: usize, floor: usize) -> Found {
        let rest = &self.text[at..];
        let Some(character) = rest.chars().next() else {
            return Found::Nothing { next: at + 1 };
        };
        let next = at + character.len_utf8();
        let found = match character {
            '=' | ':' => return self.pair(at, floor),
            '(' => self.call(at, floor),
            '>' => self.element(at, floor),
            ' ' | '\t' => self.flag_or_scheme(at, floor),
            _ => self.known_form(at, floor),
        };
        found.map_or(Found::Nothing { next }, Found::Secret)
    }

    /// `key=value`, `key: value` and similar notations.
    fn pair(&self, at: usize, floor: usize) -> Found {
        let bytes = self.text.as_bytes();
        let rest = &self.text[at..];
        // A path of Rust, and a URL.
        for other in ["::", "://"] {
            if rest.starts_with(other) {
                return Found::Nothing { next: at + other.len() };
            }
        }
        let mut end = at + 1;
        while matches!(bytes.get(end), Some(b'='))
            || rest.starts_with('=') && matches!(bytes.get(end), Some(b'>'))
        {
            end += 1;
        }
        let nothing = Found::Nothing { next: end };
        let is_comparison = at > floor && matches!(bytes[at - 1], b'!' | b'<' | b'>');
        let Some(key) = self.key(at, floor).filter(|_| !is_comparison) else { return nothing };
        let gap = self.text[end..].bytes().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let separator = match rest.as_bytes()[0] {
            b':' if end == at + 1 && gap > 0 => Separator::ColonAndSpace,
            b':' if end == at + 1 => Separator::Colon,
            _ => Separator::Equals,
        };
        match self.value(&key, separator, end + gap, floor) {
            Some(secret) => Found::Secret(secret),
            None => nothing,
        }
    }

    /// The name that ends before `end`, if it names a secret.
    fn key(&self, end: usize, floor: usize) -> Option<Key<'a>> {
        let before = self.text[floor..end].trim_end_matches([' ', '\t']);
        let before = before.trim_end_matches(['"', '\'', '`', '\\', ']']);
        let name = last_name(before);
        if name.is_empty() {
            return None;
        }
        let start = floor + before.len() - name.len();
        let head = &before[..before.len() - name.len()];
        let is_usual = is_secret(name)
            && !head
                .strip_suffix(' ')
                .is_some_and(|head| secret::is_harmless_after(name, last_name(head)));
        let is_added = !self.names.are_usual() && self.is_added(before, name);
        (is_usual || is_added).then_some(Key { name, start, is_added })
    }

    /// Whether an added name ends here. It may have several words, such as `Tenant Id`.
    fn is_added(&self, before: &str, name: &str) -> bool {
        let mut start = before.len() - name.len();
        if self.names.have_added(name) {
            return true;
        }
        for _ in 1..self.names.max_words() {
            let Some(head) = before[..start].strip_suffix(' ') else { return false };
            start = head.len() - last_name(head).len();
            if self.names.have_added(&before[start..]) {
                return true;
            }
        }
        false
    }

    /// The secret that begins at `start`, after its name.
    fn value(
        &self,
        key: &Key<'_>,
        separator: Separator,
        start: usize,
        floor: usize,
    ) -> Option<Range<usize>> {
        let rest = &self.text[start..];
        if let Some(secret) = self.quoted(start).or_else(|| self.bracketed(start)) {
            return Some(secret).filter(|secret| !secret.is_empty());
        }
        let word = first_word(rest);
        let is_masked =
            rest.strip_prefix(MASK).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric));
        if is_masked || is_in(NOTHING, word) {
            return None;
        }
        // A quote directly before the name closes after the value.
        let outer = self.text[floor..key.start].chars().next_back().filter(|c| QUOTES.contains(c));
        let line_end = |from: usize| {
            let ends = |c: char| matches!(c, '\n' | '\r') || Some(c) == outer;
            self.text[from..].find(ends).map_or(self.text.len(), |end| from + end)
        };
        let last = key.name.rsplit(['-', '_', '.']).next().unwrap_or_default();
        let is_header = ["authorization", "cookie", "cookies"]
            .iter()
            .any(|name| last.eq_ignore_ascii_case(name));
        let is_colon = separator != Separator::Equals;
        let is_sure = key.is_added
            || outer.is_some()
            || secret::names_only_secrets(key.name)
            || self.is_structured(key.start);
        let end = match separator {
            _ if is_colon && !key.is_added && is_prose(rest) => return None,
            // A path, followed by an error about it.
            Separator::ColonAndSpace
                if !key.is_added && self.text[floor..key.start].ends_with('/') =>
            {
                return None;
            }
            Separator::ColonAndSpace if rest.starts_with(['|', '>']) => self.block_end(start)?,
            Separator::Colon
                if !key.is_added && !secret::may_be_digits(key.name) && is_port(rest) =>
            {
                return None;
            }
            _ if is_header => line_end(start),
            // An error may continue after a word such as `token` in any way.
            _ if is_colon && !is_sure => {
                let end = self.word_end(start);
                looks_random(&self.text[start..end]).then_some(end)?
            }
            Separator::Equals
                if !key.is_added && secret::may_be_count(key.name) && is_number(word) =>
            {
                return None;
            }
            Separator::ColonAndSpace if self.begins_line(key.start, outer.is_some()) => {
                line_end(start)
            }
            Separator::ColonAndSpace => self.words_end(start),
            Separator::Equals if self.is_in_list(key.start, start, floor) => self.item_end(start),
            Separator::Colon | Separator::Equals => self.scheme_and_value_end(start),
        };
        (end > start).then_some(start..end)
    }

    /// `Password("x")`, the `Debug` of a tuple struct.
    fn call(&self, at: usize, floor: usize) -> Option<Range<usize>> {
        let name = last_name(&self.text[floor..at]);
        if name.is_empty() || !self.names.have(name) {
            return None;
        }
        self.quoted(at + 1).filter(|secret| !secret.is_empty())
    }

    /// `<password>x</password>`.
    fn element(&self, at: usize, floor: usize) -> Option<Range<usize>> {
        let before = &self.text[floor..at];
        let name = last_name(before);
        if !before[..before.len() - name.len()].ends_with('<') || !self.names.have(name) {
            return None;
        }
        let length = self.text[at + 1..].find('<')?;
        let end = at + 1 + length;
        (length > 0 && self.text[end..].starts_with("</")).then_some(at + 1..end)
    }

    /// `--password x`, and `Bearer x` without a name before it.
    fn flag_or_scheme(&self, at: usize, floor: usize) -> Option<Range<usize>> {
        let name = last_name(&self.text[floor..at]);
        if name.is_empty() {
            return None;
        }
        let gap = self.text[at..].bytes().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let start = at + gap;
        let rest = &self.text[start..];
        if name.len() > 2 && name.starts_with('-') && self.names.have(name) {
            if rest.starts_with(['-', '<', '[', '=', ':']) || is_prose(rest) {
                return None;
            }
            return self
                .quoted(start)
                .or_else(|| Some(start..self.word_end(start)))
                .filter(|range| !range.is_empty());
        }
        if !matches!(name, "Bearer" | "bearer" | "BEARER" | "Basic" | "basic") {
            return None;
        }
        let is_part = |c: char| c.is_ascii_alphanumeric() || "-._~+/".contains(c);
        let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let padding = rest[length..].bytes().take_while(|byte| *byte == b'=').count();
        // A `=` that is followed by a value is a parameter, as in `WWW-Authenticate`.
        let end = length + padding;
        let goes_on = |rest: &str| rest.starts_with(|c: char| c.is_alphanumeric() || c == '"');
        let is_parameter = padding > 0 && goes_on(&rest[end..]);
        let has_digit = rest[..length].bytes().any(|byte| byte.is_ascii_digit());
        let is_random = has_digit || padding > 0 || length >= 16;
        (end >= 6 && is_random && !is_parameter).then_some(start..start + end)
    }

    /// A word in the format of a well-known token.
    fn known_form(&self, at: usize, floor: usize) -> Option<Range<usize>> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || "-._~+/=".contains(c);
        let rest = &self.text[at..];
        if self.text[floor..at].ends_with(|c: char| c.is_ascii_alphanumeric() || "-_".contains(c))
            || !KNOWN_FORMS.iter().any(|beginning| rest.starts_with(beginning))
        {
            return None;
        }
        has_known_form(beginning(rest)).then(|| {
            let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
            at..at + length
        })
    }
}
