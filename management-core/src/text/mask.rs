//! Finds secrets in a text by the names before them, and replaces them by `***`.
//!
//! In doubt it masks a value, but only where a value follows a name: `the token expired` and `session: closed`
//! stay as they are.

mod placeholder;
mod private_key;
mod url;
mod words;

use std::ops::Range;

use crate::text::secret::{self, Names, is_secret};
pub(crate) use placeholder::MASK;
use placeholder::beginning;
use private_key::mask_private_keys;
pub(crate) use url::mask_url;
use url::mask_urls;
use words::{KNOWN_FORMS, NOTHING, PROSE, SCHEMES, SUBJECTS};

const QUOTES: [char; 3] = ['"', '\'', '`'];

/// Masks the secrets in a text of any number of lines, in linear time.
pub(crate) fn mask(text: &str, names: &Names) -> String {
    let text = mask_urls(&mask_private_keys(text), names);
    let scan = Scan { text: &text, names };
    let mut masked = String::with_capacity(text.len());
    let (mut kept, mut at) = (0, 0);
    while at < text.len() {
        match scan.secret_at(at, kept) {
            Found::Secret(secret) => {
                masked.push_str(&text[kept..secret.start]);
                masked.push_str(MASK);
                (kept, at) = (secret.end, secret.end);
            }
            Found::Nothing { next } => at = next,
        }
    }
    masked.push_str(&text[kept..]);
    masked
}

/// Whether this is a token in the format of a well-known issuer.
pub(crate) fn has_known_form(word: &str) -> bool {
    let word = first_word(word);
    word.len() >= 16
        && KNOWN_FORMS.iter().any(|beginning| word.starts_with(beginning))
        && word.bytes().any(|byte| byte.is_ascii_digit())
}

enum Found {
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

struct Scan<'a> {
    text: &'a str,
    names: &'a Names,
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
    fn secret_at(&self, at: usize, floor: usize) -> Found {
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

    /// The text between quotes, which may be escaped: `"x"`, `'x'`, `\"x\"`, `b"x"`.
    fn quoted(&self, start: usize) -> Option<Range<usize>> {
        let rest = &self.text[start..];
        let prefix =
            usize::from(rest.starts_with(['b', 'r', '&', '@']) && rest[1..].starts_with(QUOTES));
        let escapes = rest[prefix..].bytes().take_while(|byte| *byte == b'\\').count();
        let quote = rest[prefix + escapes..].chars().next().filter(|c| QUOTES.contains(c))?;
        let inner = start + prefix + escapes + 1;
        Some(inner..self.quote_end(inner, quote, escapes))
    }

    /// The end of the string that begins with a quote and this many backslashes before it. Each level of
    /// escaping doubles the backslashes, so their number identifies the string that a quote belongs to.
    fn quote_end(&self, start: usize, quote: char, escapes: usize) -> usize {
        let bytes = self.text.as_bytes();
        let quote = quote as u8;
        let level = escapes + 1;
        let mut run = 0;
        let mut at = start;
        while let Some(&byte) = bytes.get(at) {
            if byte == b'\\' {
                run += 1;
            } else {
                if byte == quote {
                    // The end of an enclosing string ends this one, too.
                    let is_outer = run < escapes;
                    let closes = (run + 1) % level != 0 || (run + 1) / level % 2 == 1;
                    // SQL and connection strings double a quote inside a value.
                    let is_doubled = escapes == 0 && run == 0 && bytes.get(at + 1) == Some(&quote);
                    if is_doubled && at > start {
                        at += 2;
                        continue;
                    }
                    if is_outer || closes {
                        return at - run.min(escapes);
                    }
                }
                run = 0;
            }
            at += 1;
        }
        bytes.len()
    }

    /// `[…]`, `{…}` and `(…)`, also with a name before them, as in `Some("x")`.
    fn bracketed(&self, start: usize) -> Option<Range<usize>> {
        let rest = &self.text[start..];
        let is_part = |c: char| c.is_alphanumeric() || "_:<>".contains(c);
        let name = beginning(rest).find(|c| !is_part(c))?;
        let after = &rest[name..];
        let gap = usize::from(name > 0 && after.starts_with(" {"));
        let open = start + name + gap;
        let bytes = self.text.as_bytes();
        if !matches!(bytes.get(open), Some(b'[' | b'{' | b'(')) {
            return None;
        }
        let mut depth = 0_usize;
        let mut at = open;
        while let Some(&byte) = bytes.get(at) {
            match byte {
                b'[' | b'{' | b'(' => depth += 1,
                b']' | b'}' | b')' => {
                    depth -= 1;
                    if depth == 0 {
                        let is_empty = self.text[open + 1..at].trim().is_empty();
                        return Some(start..if is_empty { start } else { at + 1 });
                    }
                }
                b'"' => at = self.quote_end(at + 1, '"', self.escapes_before(at)),
                _ => {}
            }
            at += 1;
        }
        Some(start..bytes.len())
    }

    fn escapes_before(&self, at: usize) -> usize {
        self.text[..at].bytes().rev().take_while(|byte| *byte == b'\\').count()
    }

    /// The end of a YAML block that begins with `|` or `>`: the end of its indented lines.
    fn block_end(&self, start: usize) -> Option<usize> {
        let mut lines = self.text[start..].split_inclusive('\n');
        let sign = lines.next()?.trim_end();
        if !sign[1..].chars().all(|c| "+-0123456789".contains(c)) {
            return None;
        }
        let is_inside = |line: &&str| line.trim().is_empty() || line.starts_with([' ', '\t']);
        let length: usize = lines.take_while(is_inside).map(str::len).sum();
        let block = &self.text[start..start + self.text[start..].find('\n')? + 1 + length];
        Some(start + block.trim_end().len())
    }

    /// Whether a name begins a line or the content of braces, as the names of values do.
    fn is_structured(&self, start: usize) -> bool {
        let before = self.text[..start].trim_end_matches([' ', '\t', '-']);
        before.ends_with(['\n', '\r', '{'])
    }

    /// Whether only YAML indentation is before the name in its line.
    fn begins_line(&self, start: usize, is_quoted: bool) -> bool {
        let before = &self.text[..start - usize::from(is_quoted)];
        let before = before.trim_end_matches([' ', '\t', '-']);
        before.is_empty() || before.ends_with(['\n', '\r'])
    }

    /// Whether the name is in a list separated by `;`, as in a connection string.
    fn is_in_list(&self, name: usize, value: usize, floor: usize) -> bool {
        if self.text[floor..name].trim_end().ends_with(';') {
            return true;
        }
        let rest = &self.text[value..];
        let end = rest.find(['\n', '\r', '=', ';', '"', '\'', '`']);
        end.is_some_and(|end| rest[end..].starts_with(';') && begins_pair(&rest[end + 1..], true))
    }

    /// The end of a value of a connection string, which may contain spaces.
    fn item_end(&self, start: usize) -> usize {
        let rest = &self.text[start..];
        match rest.find(['\n', '\r', ';', '=', '"', '\'', '`']) {
            Some(end) if rest[end..].starts_with(';') => start + end,
            _ => self.words_end(start),
        }
    }

    /// The end of a value that may be a scheme and its credentials.
    fn scheme_and_value_end(&self, start: usize) -> usize {
        let end = self.word_end(start);
        let gap = &self.text[end..];
        if is_in(SCHEMES, &self.text[start..end]) && gap.starts_with(' ') && !is_prose(&gap[1..]) {
            return self.word_end(end + 1);
        }
        end
    }

    /// The end of a value that may have several words. A word that only errors use ends it.
    fn words_end(&self, start: usize) -> usize {
        let mut end = self.word_end(start);
        loop {
            let rest = &self.text[end..];
            let next = rest.trim_start_matches([' ', '\t']);
            let is_word =
                next.len() < rest.len() && next.starts_with(|c: char| c.is_alphanumeric());
            if !is_word || is_in(PROSE, first_word(next)) || begins_pair(next, false) {
                return end;
            }
            end = self.word_end(self.text.len() - next.len());
        }
    }

    /// The end of a value without spaces. Punctuation at its end is not part of it.
    fn word_end(&self, start: usize) -> usize {
        let rest = &self.text[start..];
        for (at, character) in rest.char_indices() {
            let after = &rest[at + character.len_utf8()..];
            let is_last = || {
                after
                    .chars()
                    .next()
                    .is_none_or(|c| c.is_whitespace() || ".,;:)]}>\"'`&".contains(c))
            };
            let ends = match character {
                ',' | '&' => is_last() || begins_pair(after, false),
                ';' => is_last() || begins_pair(after, true),
                ':' => after.chars().next().is_none_or(char::is_whitespace),
                ')' | ']' | '}' | '>' | '"' | '\'' | '`' => is_last(),
                '\\' => after.trim_start_matches('\\').starts_with(QUOTES),
                '<' => after.starts_with('/'),
                _ => character.is_whitespace(),
            };
            if ends {
                return start + at;
            }
        }
        self.text.len()
    }
}

/// The name at the end of a text, which may be empty.
fn last_name(text: &str) -> &str {
    let is_part = |c: char| c.is_alphanumeric() || "_-.".contains(c);
    text.rfind(|c| !is_part(c)).map_or(text, |at| {
        let character = text[at..].chars().next().map_or(0, char::len_utf8);
        &text[at + character..]
    })
}

/// Whether a text begins with a name, which may have several words, and a separator.
fn begins_pair(text: &str, may_have_spaces: bool) -> bool {
    let text = beginning(text).trim_start_matches([' ', '"', '\'']);
    let is_part = |c: char| c.is_alphanumeric() || "_-.".contains(c) || may_have_spaces && c == ' ';
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    end > 0 && text[end..].trim_start_matches(['"', '\'']).starts_with(['=', ':'])
}

fn first_word(text: &str) -> &str {
    let text = beginning(text);
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    text[..end].trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '}', '"', '\'', '`'])
}

fn is_in(words: &[&str], word: &str) -> bool {
    words.iter().any(|other| other.eq_ignore_ascii_case(word))
}

/// Whether this is the rest of an error message and not a value.
fn is_prose(text: &str) -> bool {
    let first = first_word(text);
    if is_in(PROSE, first) {
        return true;
    }
    let is_code = first.len() == 3 && first.bytes().all(|byte| byte.is_ascii_digit());
    let mut words = beginning(text).split_whitespace().skip(1).take(3).map(first_word);
    (is_code || is_in(SUBJECTS, first)) && words.any(|word| is_in(PROSE, word))
}

/// Whether a word looks like a token rather than a word of a language.
fn looks_random(word: &str) -> bool {
    let has = |is_one: fn(&u8) -> bool| word.bytes().any(|byte| is_one(&byte));
    let is_mixed = has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic);
    word.len() >= 7 && is_mixed || word.len() >= 24 || has_known_form(word)
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether this is the port of a host or a line number.
fn is_port(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    (1..=5).contains(&digits) && !text[digits..].starts_with(|c: char| c.is_alphanumeric())
}

#[cfg(test)]
mod tests;
