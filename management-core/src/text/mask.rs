//! Finds secrets in a text by the names before them, and replaces them by `***`.
//!
//! In doubt it masks a value, but only where a value follows a name: `the token expired` and `session: closed`
//! stay as they are.

mod extent;
mod placeholder;
mod private_key;
mod scan;
mod url;
mod word;
mod words;

pub(crate) use placeholder::MASK;
pub(crate) use url::mask_url;
pub(crate) use word::has_known_form;

use crate::text::secret::Names;
use private_key::mask_private_keys;
use scan::{Found, Scan};
use url::mask_urls;

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

#[cfg(test)]
mod tests;
