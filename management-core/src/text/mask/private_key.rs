//! Private keys in PEM.

use std::borrow::Cow;

use super::placeholder::{MASK, beginning};

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const KEY: &str = "PRIVATE KEY-----";

/// Replaces the content of each block. A block without an end extends to the end of the text.
pub(super) fn mask_private_keys(text: &str) -> Cow<'_, str> {
    let mut masked = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(BEGIN) {
        let label = at + BEGIN.len();
        let line = beginning(&rest[label..]).lines().next().unwrap_or_default();
        let Some(kind) = line.find(KEY).filter(|&end| !line[..end].contains("---")) else {
            masked.push_str(&rest[..label]);
            rest = &rest[label..];
            continue;
        };
        let inside = label + kind + KEY.len();
        masked.push_str(&rest[..inside]);
        masked.push_str(MASK);
        let end = rest[inside..].find(END).map_or(rest.len(), |end| inside + end);
        rest = &rest[end..];
    }
    if masked.is_empty() {
        return Cow::Borrowed(text);
    }
    masked.push_str(rest);
    Cow::Owned(masked)
}
