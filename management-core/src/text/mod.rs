//! Text that is safe to show and to log.
//!
//! In: texts of errors, of configuration and of other services. Out: one line of bounded length without
//! secrets. It does not know checks, and it imports nothing else of this crate.

pub(crate) mod json;
pub(crate) mod mask;
pub(crate) mod reason;
pub(crate) mod secret;
pub(crate) mod similar;
pub(crate) mod strict;
mod tidy;

use std::time::Duration;

pub(crate) use tidy::{capped_line, mask_added, quoted_url, short, tidy, tidy_with, verbatim};
pub use tidy::{tidy_within, url_on_a_line};

/// A length of time in a sentence: whole seconds, or milliseconds if it is shorter than one.
pub(crate) fn seconds(length: Duration) -> String {
    let shown = if length < Duration::from_secs(1) {
        Duration::from_millis(u64::from(length.subsec_millis()))
    } else {
        Duration::from_secs(length.as_secs())
    };
    humantime::format_duration(shown).to_string()
}
