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

/// The pairs of quotation marks of servers in several languages.
const QUOTES: [(char, char); 9] = [
    ('"', '"'),
    ('`', '`'),
    ('\'', '\''),
    ('»', '«'),
    ('«', '»'),
    ('„', '“'),
    ('“', '”'),
    ('‘', '’'),
    ('「', '」'),
];

/// A text of a server without what stands in quotation marks: users, databases and parts of queries.
///
/// What is quoted may contain quotation marks itself, so it reaches from the first mark to the last one of its kind.
pub fn redact(text: &str) -> String {
    let opening = text.char_indices().find_map(|(at, mark)| {
        let (open, close) = QUOTES.iter().find(|(open, _)| *open == mark)?;
        let is_apostrophe = mark == '\'' && text[..at].ends_with(char::is_alphanumeric);
        (!is_apostrophe).then_some((at, *open, *close))
    });
    let Some((begin, open, close)) = opening else { return text.to_owned() };
    let (before, quoted) = (&text[..begin], &text[begin + open.len_utf8()..]);
    // Without an end, the rest may be quoted.
    let after = quoted.rfind(close).map_or("", |end| &quoted[end + close.len_utf8()..]);
    format!("{before}{open}…{close}{}", redact(after))
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
                "Access denied for user '…' (using password: YES)",
            ),
            ("near 'SELECT it's FROM `t`' at line 1", "near '…' at line 1"),
            ("near ''a' FROM t' at line 1", "near '…' at line 1"),
            ("user \"a\\\" b\" failed", "user \"…\" failed"),
            ("Benutzer »app« ist unbekannt", "Benutzer »…« ist unbekannt"),
            ("l'utilisateur « app » a échoué", "l'utilisateur «…» a échoué"),
            ("Can't connect to server", "Can't connect to server"),
            ("near 'SELECT", "near '…'"),
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
