//! The parts of a line, from left to right.

use crate::metrics::format::Format;

/// What follows on a line.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    line: &'a str,
    at: usize,
    format: Format,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(line: &'a str, format: Format) -> Self {
        Cursor { line, at: 0, format }
    }

    pub(super) fn before(&self) -> &'a str {
        &self.line[..self.at]
    }

    pub(super) fn rest(&self) -> &'a str {
        &self.line[self.at..]
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest().is_empty()
    }

    pub(super) fn is_at(&self, character: char) -> bool {
        self.rest().starts_with(character)
    }

    pub(super) fn expect(&mut self, character: char) -> Result<(), String> {
        if !self.is_at(character) {
            return Err(format!("`{character}` is missing before `{}`", self.rest()));
        }
        self.at += character.len_utf8();
        Ok(())
    }

    /// Passes over blanks. OpenMetrics has none where they mean nothing, except behind a `#`.
    pub(super) fn skip_blanks(&mut self) {
        self.take(|character| matches!(character, ' ' | '\t'));
    }

    /// Passes over the blanks between two parts, which is one space in OpenMetrics.
    pub(super) fn expect_blank(&mut self) -> Result<(), String> {
        let blanks = self.take(|character| matches!(character, ' ' | '\t'));
        match (blanks, self.format) {
            ("", _) => Err(format!("a space is missing before `{}`", self.rest())),
            (" ", _) | (_, Format::Text) => Ok(()),
            (_, Format::OpenMetrics) => Err("OpenMetrics has one space between two parts".into()),
        }
    }

    /// All up to the next blank.
    pub(super) fn word(&mut self) -> &'a str {
        self.take(|character| !matches!(character, ' ' | '\t'))
    }

    pub(super) fn metric_name(&mut self) -> Result<&'a str, String> {
        self.name("a metric", ":")
    }

    fn name(&mut self, whose: &str, more: &str) -> Result<&'a str, String> {
        let may_begin = |character: char| {
            character.is_ascii_alphabetic() || character == '_' || more.contains(character)
        };
        if !self.rest().starts_with(may_begin) {
            return Err(format!("`{}` does not begin with the name of {whose}", self.rest()));
        }
        Ok(self.take(|character| may_begin(character) || character.is_ascii_digit()))
    }

    /// The labels in braces, if there are any.
    pub(super) fn labels(&mut self) -> Result<Option<Vec<(&'a str, &'a str)>>, String> {
        let mut ahead = *self;
        ahead.skip();
        if !ahead.is_at('{') {
            return Ok(None);
        }
        *self = ahead;
        self.expect('{')?;
        let mut labels: Vec<(&str, &str)> = Vec::new();
        self.skip();
        while !self.is_at('}') {
            let name = self.name("a label", "")?;
            if labels.iter().any(|(other, _)| *other == name) {
                return Err(format!("the label `{name}` is there twice"));
            }
            self.skip();
            self.expect('=')?;
            self.skip();
            labels.push((name, self.quoted()?));
            self.skip();
            if !self.is_at('}') {
                self.expect(',')?;
                self.skip();
            }
        }
        self.expect('}')?;
        Ok(Some(labels))
    }

    /// The text between two quotes, with its escapes.
    fn quoted(&mut self) -> Result<&'a str, String> {
        self.expect('"')?;
        let begin = self.at;
        let mut is_escaped = false;
        let text = self.take(|character| {
            let is_end = character == '"' && !is_escaped;
            is_escaped = character == '\\' && !is_escaped;
            !is_end
        });
        self.expect('"').map_err(|_| format!("the quotes of `{text}` are not closed"))?;
        Cursor::new(&self.line[begin..begin + text.len()], self.format)
            .validate_escapes(&['\\', 'n', '"'])?;
        Ok(text)
    }

    /// Fails if a backslash is followed by anything else than these characters.
    pub(super) fn validate_escapes(&self, allowed: &[char]) -> Result<(), String> {
        let mut characters = self.rest().chars();
        while let Some(character) = characters.next() {
            if character == '\\' && !characters.next().is_some_and(|next| allowed.contains(&next)) {
                return Err(format!("`{}` has a backslash that escapes nothing", self.rest()));
            }
        }
        Ok(())
    }

    pub(super) fn number(&mut self) -> Result<&'a str, String> {
        let word = self.word();
        match is_number(word) {
            true => Ok(word),
            false => Err(format!("`{word}` is not a number")),
        }
    }

    /// Milliseconds; in OpenMetrics, seconds with any number of decimals.
    pub(super) fn timestamp(&mut self) -> Result<&'a str, String> {
        let word = self.word();
        let is_valid = match self.format {
            Format::Text => word.parse::<i64>().is_ok(),
            Format::OpenMetrics => word.parse::<f64>().is_ok_and(f64::is_finite),
        };
        match is_valid {
            true => Ok(word),
            false => Err(format!("`{word}` is not a timestamp")),
        }
    }

    /// Passes over blanks where OpenMetrics has none.
    fn skip(&mut self) {
        if self.format == Format::Text {
            self.skip_blanks();
        }
    }

    fn take(&mut self, mut is_part: impl FnMut(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|character| !is_part(character)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }
}

/// Whether this is a number as Go and Rust both read it.
pub(super) fn is_number(word: &str) -> bool {
    word.parse::<f64>().is_ok()
}
