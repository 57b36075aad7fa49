//! Makes texts fit for a line of the log and for a body.

use std::fmt::{self, Write};

use crate::text::mask::{mask, mask_url};
use crate::text::secret::Names;

/// How much of a text is kept, in bytes.
const MAX_BYTES: usize = 1024;

/// How many characters of a name a message shows.
const MAX_NAME_CHARS: usize = 128;

const ELLIPSIS: char = '…';

/// `text` on one line, without secrets and at most 1 KiB long.
pub(crate) fn tidy(text: impl fmt::Display) -> String {
    tidy_within(MAX_BYTES, text)
}

/// Like [`tidy`], but also masks the secrets of names that the program has added.
pub(crate) fn tidy_with(names: &Names, text: impl fmt::Display) -> String {
    let (text, is_cut) = masked(text, names, visible);
    cut(one_line(&text), MAX_BYTES, is_cut)
}

/// Masks the secrets of added names in a text that is tidy already.
pub(crate) fn mask_added(names: &Names, text: &mut String) {
    if !names.are_usual() {
        *text = cut(mask(text, names), MAX_BYTES, false);
    }
}

/// Like `tidy`, and at most `max_bytes` long.
pub fn tidy_within(max_bytes: usize, text: impl fmt::Display) -> String {
    let (text, is_cut) = masked(text, &Names::default(), visible);
    cut(one_line(&text), max_bytes, is_cut)
}

/// Like [`tidy`], for an error that quotes its input: keeps all spaces, and escapes line ends and control
/// characters.
pub(crate) fn verbatim(text: impl fmt::Display) -> String {
    let (text, is_cut) = masked(text, &Names::default(), |text| text);
    cut(escaped(&text), MAX_BYTES, is_cut)
}

/// A URL, valid or not, without its credentials. Write it with `{:?}`.
pub(crate) fn quoted_url(url: &str) -> String {
    let (url, is_cut) = capped(url);
    let mut shown = String::with_capacity(url.len());
    // The whole text is one URL, even if it contains a space.
    let scheme = url.find("://").filter(|&end| !url[..end].contains(['@', '/', '?', '#']));
    let rest = scheme.map_or(0, |end| end + 3);
    shown.push_str(&url[..rest]);
    mask_url(&url[rest..], &Names::default(), &mut shown);
    cut(shown, MAX_BYTES, is_cut)
}

/// Like `quoted_url`, but to be written without quotes.
pub fn url_on_a_line(url: &str) -> String {
    escaped(&quoted_url(url))
}

/// A name, shortened for a message.
pub(crate) fn short(name: &str) -> String {
    match name.char_indices().nth(MAX_NAME_CHARS) {
        Some((end, _)) => format!("{}{ELLIPSIS}", &name[..end]),
        None => name.into(),
    }
}

/// `text` without secrets, and whether it was cut before.
fn masked(text: impl fmt::Display, names: &Names, prepare: fn(String) -> String) -> (String, bool) {
    let (all, is_cut) = capped(text);
    let mut all = prepare(all);
    if is_cut {
        // The cut may have separated the user information of a URL from its `@`.
        let last = all.rfind(char::is_whitespace).unwrap_or(0);
        if let Some(scheme) = all[last..].find("://") {
            all.truncate(last + scheme);
        }
    }
    (mask(&all, names), is_cut)
}

/// The beginning of a text, which may be a whole page.
fn capped(text: impl fmt::Display) -> (String, bool) {
    let mut all = Capped { text: String::new(), limit: 8 * MAX_BYTES };
    // The only error means that the limit is reached. The text before it is kept.
    let is_cut = write!(all, "{text}").is_err();
    (all.text, is_cut)
}

/// A line that is tidy already, at most as long as [`tidy`] allows.
pub(crate) fn capped_line(line: String) -> String {
    cut(line, MAX_BYTES, false)
}

/// At most `max_bytes`, with an ellipsis in place of the rest.
fn cut(mut line: String, max_bytes: usize, is_cut: bool) -> String {
    if line.len() > max_bytes || is_cut {
        let mut end = line.len().min(max_bytes - ELLIPSIS.len_utf8());
        while !line.is_char_boundary(end) {
            end -= 1;
        }
        line.truncate(end);
        line.push(ELLIPSIS);
    }
    line
}

/// Removes invisible characters, which could disguise a text or hide a name from the masker.
fn visible(text: String) -> String {
    if text.contains(is_invisible) { text.replace(is_invisible, "") } else { text }
}

/// The whole text, with escapes for characters that cannot be printed.
fn escaped(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control()
            || matches!(character, '\u{2028}' | '\u{2029}')
            || is_invisible(character)
        {
            line.extend(character.escape_debug());
        } else {
            line.push(character);
        }
    }
    line
}

/// Whether a character has no width of its own: one that joins, separates or reorders the text around it.
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e00ff}' | '\u{e01f0}'..='\u{e0fff}'
    )
}

struct Capped {
    text: String,
    limit: usize,
}

impl Write for Capped {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let mut end = part.len().min(self.limit - self.text.len());
        while !part.is_char_boundary(end) {
            end -= 1;
        }
        self.text.push_str(&part[..end]);
        if end < part.len() { Err(fmt::Error) } else { Ok(()) }
    }
}

fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_becomes_one_line() {
        assert_eq!(tidy("a\r\n  b\tc\u{0}d\u{1b}[31m\n"), "a b c d [31m");
        assert_eq!(tidy(""), "");
    }

    #[test]
    fn text_is_cut_between_characters() {
        let long = tidy("ü".repeat(3000));
        assert!(long.len() <= MAX_BYTES && long.len() > MAX_BYTES - 4, "{}", long.len());
        assert!(long.ends_with("ü…"));
        assert_eq!(tidy("x".repeat(1024)), "x".repeat(1024));
        assert_eq!(tidy("x".repeat(1025)).len(), 1024);
        assert!(tidy("x ".repeat(1_000_000)).ends_with('…'));
        assert!(tidy(format!("{}{}", " ".repeat(10_000), "end")).len() <= MAX_BYTES);
    }

    #[test]
    fn credentials_are_masked() {
        for (given, kept) in [
            ("postgres://user:secret@db:5432/app", "postgres://***@db:5432/app"),
            ("GET \"http://a:b@c/\"\n failed", "GET \"http://***@c/\" failed"),
            ("no url: a@b", "no url: a@b"),
        ] {
            assert_eq!(tidy(given), kept, "{given}");
        }
    }

    #[test]
    fn what_cannot_be_seen_is_removed_and_hides_nothing() {
        for (given, kept) in [
            ("user \u{202e}nimda\u{202c} denied", "user nimda denied"),
            ("\u{2066}a\u{2069}\u{200b}b\u{feff}c\u{ad}d\u{e0041}e", "abcde"),
            ("pass\u{200b}word=hunter2", "password=***"),
            ("a\u{2028}b\u{2029}c\u{85}d", "a b c d"),
            ("ü é नि ❤\u{fe0f}", "ü é नि ❤\u{fe0f}"),
        ] {
            assert_eq!(tidy(given), kept, "{given:?}");
        }
        // A header ends with its line.
        assert_eq!(tidy("Cookie: a=hunter2\r\nHost: h"), "Cookie: *** Host: h");
    }

    #[test]
    fn what_a_program_has_added_is_masked_later() {
        let names = Names::adding(["x-tenant-key"]);
        assert_eq!(tidy_with(&names, "x-tenant-key=t-1\nb"), "x-tenant-key=*** b");
        let mut given = tidy("x-tenant-key=t-1\nb");
        mask_added(&Names::default(), &mut given);
        assert_eq!(given, "x-tenant-key=t-1 b");
        mask_added(&names, &mut given);
        assert_eq!(given, "x-tenant-key=*** b");
    }

    #[test]
    fn what_is_quoted_is_unchanged() {
        for url in [
            "not a url at all",
            " two  spaces\t",
            "a\nb",
            "FTP://h/x?a=b c",
            "h\\x",
            "ü\u{202e}",
            "",
        ] {
            assert_eq!(quoted_url(url), url);
        }
        for (url, shown) in [
            (
                "http://user:my secret@h/a b?token=my secret&a=b c",
                "http://***@h/a b?token=***&a=b c",
            ),
            ("user:se cret/x@h", "***@h"),
            ("u:secret@h/x?to=http://h", "***@h/x?to=http://h"),
            ("my host?password=se cret", "my host?password=***"),
        ] {
            assert_eq!(quoted_url(url), shown);
        }
        assert!(quoted_url(&"x y ".repeat(5000)).ends_with("y x…"));
        for (given, kept) in [
            ("\"two  spaces\" is not a duration", "\"two  spaces\" is not a duration"),
            ("a\tb\r\nc\u{202e}d\u{1b}", "a\\tb\\r\\nc\\u{202e}d\\u{1b}"),
            ("it's \\ 'ü'", "it's \\ 'ü'"),
            ("no  postgres://u:secret@h/", "no  postgres://***@h/"),
        ] {
            assert_eq!(verbatim(given), kept);
        }
        assert_eq!(url_on_a_line("http://u:p@h/a  b\n"), "http://***@h/a  b\\n");
        assert_eq!(short(&"ü".repeat(128)), "ü".repeat(128));
        assert_eq!(short(&"ü".repeat(129)), format!("{}…", "ü".repeat(128)));
    }

    #[test]
    fn a_url_at_the_cut_is_masked() {
        let text = format!("{} postgres://user:{}@db/", "x".repeat(1000), "s".repeat(100));
        assert!(!tidy(text).contains("ss"), "the password must not be shown");
        let text = format!("down {} postgres://user:{}@db/", " ".repeat(8150), "s".repeat(100));
        assert_eq!(tidy(text), "down postgres…");
    }
}
