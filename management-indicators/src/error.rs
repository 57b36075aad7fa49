//! What an answer tells of an error: what failed, and neither a user, nor a database, nor a query.

use std::error::Error;

/// The last of the causes of an error, which names what failed, without what stands in quotation marks.
pub fn describe(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    redact(&cause.to_string())
}

/// A text of a server without what stands in quotation marks: users, databases and parts of queries.
pub fn redact(text: &str) -> String {
    let mut redacted = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(begin) = rest.find(['"', '\'', '`']) {
        let mark = &rest[begin..=begin];
        let (before, after) = (&rest[..begin], &rest[begin + 1..]);
        redacted.push_str(before);
        redacted.push_str(mark);
        let is_apostrophe = mark == "'" && before.ends_with(char::is_alphanumeric);
        rest = match after.find_closing(mark) {
            Some(end) if !is_apostrophe => {
                redacted.push('…');
                redacted.push_str(mark);
                &after[end + 1..]
            }
            // Without an end, the rest may be quoted.
            None if !is_apostrophe => {
                redacted.push('…');
                ""
            }
            _ => after,
        };
    }
    redacted.push_str(rest);
    redacted
}

trait Closing {
    /// Where the quotation ends: at the next such mark that no letter follows.
    fn find_closing(&self, mark: &str) -> Option<usize>;
}

impl Closing for str {
    fn find_closing(&self, mark: &str) -> Option<usize> {
        self.match_indices(mark)
            .map(|(at, _)| at)
            .find(|at| !self[at + 1..].starts_with(|next: char| next.is_alphanumeric()))
    }
}

#[cfg(test)]
mod tests {
    use std::fmt;
    use std::io;

    use super::*;

    #[test]
    fn what_is_quoted_is_left_out() {
        for (text, redacted) in [
            (
                "password authentication failed for user \"app\"",
                "password authentication failed for user \"…\"",
            ),
            (
                "Access denied for user 'app'@'10.0.0.1' (using password: YES)",
                "Access denied for user '…'@'…' (using password: YES)",
            ),
            ("near 'SELECT it's FROM `t`' at line 1", "near '…' at line 1"),
            ("Can't connect to server", "Can't connect to server"),
            ("near 'SELECT", "near '…"),
            ("database \"\" is missing", "database \"…\" is missing"),
            ("no answer", "no answer"),
            ("", ""),
        ] {
            assert_eq!(redact(text), redacted);
        }
    }

    #[derive(Debug)]
    struct Outer(io::Error);

    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("cannot ask postgres://app:secret@db")
        }
    }

    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn the_last_cause_says_what_failed() {
        assert_eq!(describe(&Outer(io::Error::other("broken pipe"))), "broken pipe");
    }
}
