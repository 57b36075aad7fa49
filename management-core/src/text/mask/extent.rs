//! Where the value of a secret ends.

use std::ops::Range;

use super::placeholder::beginning;
use super::scan::{QUOTES, Scan};
use super::word::{begins_pair, first_word, is_in, is_prose};
use super::words::{PROSE, SCHEMES};

impl Scan<'_> {
    /// The text between quotes, which may be escaped: `"x"`, `'x'`, `\"x\"`, `b"x"`.
    pub(super) fn quoted(&self, start: usize) -> Option<Range<usize>> {
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
    pub(super) fn quote_end(&self, start: usize, quote: char, escapes: usize) -> usize {
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
    pub(super) fn bracketed(&self, start: usize) -> Option<Range<usize>> {
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

    pub(super) fn escapes_before(&self, at: usize) -> usize {
        self.text[..at].bytes().rev().take_while(|byte| *byte == b'\\').count()
    }

    /// The end of a YAML block that begins with `|` or `>`: the end of its indented lines.
    pub(super) fn block_end(&self, start: usize) -> Option<usize> {
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
    pub(super) fn is_structured(&self, start: usize) -> bool {
        let before = self.text[..start].trim_end_matches([' ', '\t', '-']);
        before.ends_with(['\n', '\r', '{'])
    }

    /// Whether only YAML indentation is before the name in its line.
    pub(super) fn begins_line(&self, start: usize, is_quoted: bool) -> bool {
        let before = &self.text[..start - usize::from(is_quoted)];
        let before = before.trim_end_matches([' ', '\t', '-']);
        before.is_empty() || before.ends_with(['\n', '\r'])
    }

    /// Whether the name is in a list separated by `;`, as in a connection string.
    pub(super) fn is_in_list(&self, name: usize, value: usize, floor: usize) -> bool {
        if self.text[floor..name].trim_end().ends_with(';') {
            return true;
        }
        let rest = &self.text[value..];
        let end = rest.find(['\n', '\r', '=', ';', '"', '\'', '`']);
        end.is_some_and(|end| rest[end..].starts_with(';') && begins_pair(&rest[end + 1..], true))
    }

    /// The end of a value of a connection string, which may contain spaces.
    pub(super) fn item_end(&self, start: usize) -> usize {
        let rest = &self.text[start..];
        match rest.find(['\n', '\r', ';', '=', '"', '\'', '`']) {
            Some(end) if rest[end..].starts_with(';') => start + end,
            _ => self.words_end(start),
        }
    }

    /// The end of a value that may be a scheme and its credentials.
    pub(super) fn scheme_and_value_end(&self, start: usize) -> usize {
        let end = self.word_end(start);
        let gap = &self.text[end..];
        if is_in(SCHEMES, &self.text[start..end]) && gap.starts_with(' ') && !is_prose(&gap[1..]) {
            return self.word_end(end + 1);
        }
        end
    }

    /// The end of a value that may have several words. A word that only errors use ends it.
    pub(super) fn words_end(&self, start: usize) -> usize {
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
    pub(super) fn word_end(&self, start: usize) -> usize {
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
