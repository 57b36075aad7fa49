//! Secrets in URLs: user information and values of the query.

use super::placeholder::MASK;
use crate::text::secret::Names;

/// Replaces the user information of every URL, and the secrets of its query.
pub(super) fn mask_urls(line: &str, names: &Names) -> String {
    let mut masked = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        masked.push_str(before);
        // A quote inside a password does not end the URL.
        let mut characters = after.char_indices().peekable();
        let mut end = after.len();
        while let Some((at, character)) = characters.next() {
            let next = characters.peek().map(|&(_, next)| next);
            let ends = "\"'`<>".contains(character) && next.is_none_or(|c| !c.is_alphanumeric());
            // In a list of URLs without spaces, the next scheme ends this URL.
            if character.is_whitespace() || ends || after[at..].starts_with("://") {
                end = at;
                break;
            }
        }
        let (url, tail) = after.split_at(end);
        mask_url(url, names, &mut masked);
        rest = tail;
    }
    masked.push_str(rest);
    masked
}

/// Masks the part of a URL after `scheme://`.
pub(crate) fn mask_url(url: &str, names: &Names, masked: &mut String) {
    let authority_end = url.find(['/', '?', '#']).unwrap_or(url.len());
    // A password may contain characters that should be percent-encoded, so an `@` after a `/` can still end
    // the user information. In doubt, it is masked.
    let last = url.rfind('@').filter(|&at| at < authority_end || url[..at].contains(':'));
    let rest = match last {
        Some(at) => {
            masked.push_str(MASK);
            &url[at..]
        }
        None => url,
    };
    for part in rest.split_inclusive(['?', '&', ';', '#']) {
        match part.split_once('=') {
            Some((key, value)) if names.have(key) => {
                masked.push_str(key);
                masked.push('=');
                masked.push_str(MASK);
                masked.extend(value.chars().last().filter(|last| "?&;#".contains(*last)));
            }
            _ => masked.push_str(part),
        }
    }
}
