//! Names and words of a text.

use super::placeholder::beginning;
use super::words::{KNOWN_FORMS, PROSE, SUBJECTS};

/// Whether this is a token in the format of a well-known issuer.
pub(crate) fn has_known_form(word: &str) -> bool {
    let word = first_word(word);
    word.len() >= 16
        && KNOWN_FORMS.iter().any(|beginning| word.starts_with(beginning))
        && word.bytes().any(|byte| byte.is_ascii_digit())
}

/// The name at the end of a text, which may be empty.
pub(super) fn last_name(text: &str) -> &str {
    let is_part = |c: char| c.is_alphanumeric() || "_-.".contains(c);
    text.rfind(|c| !is_part(c)).map_or(text, |at| {
        let character = text[at..].chars().next().map_or(0, char::len_utf8);
        &text[at + character..]
    })
}

/// Whether a text begins with a name, which may have several words, and a separator.
pub(super) fn begins_pair(text: &str, may_have_spaces: bool) -> bool {
    let text = beginning(text).trim_start_matches([' ', '"', '\'']);
    let is_part = |c: char| c.is_alphanumeric() || "_-.".contains(c) || may_have_spaces && c == ' ';
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    end > 0 && text[end..].trim_start_matches(['"', '\'']).starts_with(['=', ':'])
}

pub(super) fn first_word(text: &str) -> &str {
    let text = beginning(text);
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    text[..end].trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '}', '"', '\'', '`'])
}

pub(super) fn is_in(words: &[&str], word: &str) -> bool {
    words.iter().any(|other| other.eq_ignore_ascii_case(word))
}

/// Whether this is the rest of an error message and not a value.
pub(super) fn is_prose(text: &str) -> bool {
    let first = first_word(text);
    if is_in(PROSE, first) {
        return true;
    }
    let is_code = first.len() == 3 && first.bytes().all(|byte| byte.is_ascii_digit());
    let mut words = beginning(text).split_whitespace().skip(1).take(3).map(first_word);
    (is_code || is_in(SUBJECTS, first)) && words.any(|word| is_in(PROSE, word))
}

/// Whether a word looks like a token rather than a word of a language.
pub(super) fn looks_random(word: &str) -> bool {
    let has = |is_one: fn(&u8) -> bool| word.bytes().any(|byte| is_one(&byte));
    let is_mixed = has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic);
    word.len() >= 7 && is_mixed || word.len() >= 24 || has_known_form(word)
}

pub(super) fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether this is the port of a host or a line number.
pub(super) fn is_port(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    (1..=5).contains(&digits) && !text[digits..].starts_with(|c: char| c.is_alphanumeric())
}
