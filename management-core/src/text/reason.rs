//! From the error that a function returns to the text of the reason.

use std::error::Error;

use crate::text;

/// How many causes of an error are read. Only a circle of causes has more.
const MAX_CAUSES: usize = 32;

/// The errors that a check, a version provider or an info contributor can return.
///
/// `Shape` is always inferred. It distinguishes types that convert into `Box<dyn Error + Send + Sync>` from boxes
/// that do not.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the error of a check, a version provider or an info contributor",
    label = "neither an error nor a text",
    note = "the error is a `std::error::Error` that is `Send`, `Sync` and `'static`, a boxed error, an `anyhow::Error`, a `String`, or a `&str`",
    note = "turn another type that is `Display` into text: `.map_err(|error| error.to_string())`"
)]
pub trait IntoReason<Shape> {
    /// The text of the error and of its causes.
    fn into_reason(self) -> String;
}

/// The shape of types that are `Into<Box<dyn Error + Send + Sync>>`.
#[derive(Debug)]
pub enum Convertible {}

/// The shape of a [`LocalError`].
#[derive(Debug)]
pub enum Local {}

/// A boxed error that is not `Send` or not `Sync`.
pub trait LocalError {
    /// The error inside the box.
    fn as_error(&self) -> &(dyn Error + 'static);
}

macro_rules! local_error {
    ($($box:ty),*) => {$(
        impl LocalError for $box {
            fn as_error(&self) -> &(dyn Error + 'static) {
                &**self
            }
        }
    )*};
}

local_error!(Box<dyn Error>, Box<dyn Error + Send>);

impl<E: Into<Box<dyn Error + Send + Sync>>> IntoReason<Convertible> for E {
    fn into_reason(self) -> String {
        chain(&*self.into())
    }
}

impl<E: LocalError> IntoReason<Local> for E {
    fn into_reason(self) -> String {
        chain(self.as_error())
    }
}

/// An error on one line, followed by each of its causes that the line does not contain yet.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut cause = error.source();
    let mut line = match cause {
        Some(_) => text::tidy(error),
        // Some types write their causes here and have no source.
        None => text::tidy(format_args!("{error:#}")),
    };
    for _ in 0..MAX_CAUSES {
        let Some(error) = cause else { break };
        let cause_text = text::tidy(error);
        if !contains(&line, &cause_text) {
            line = match &*line {
                "" => cause_text,
                // Each is masked by itself, so that the end of an error is not taken for the name of a value.
                outer => text::capped_line(format!(
                    "{}: {cause_text}",
                    // A colon at the end announces the cause.
                    outer.trim_end_matches(':')
                )),
            };
        }
        cause = error.source();
    }
    line
}

/// Whether a line contains a cause as whole words, so that the cause `5` is not found in `15 tries`.
fn contains(line: &str, cause: &str) -> bool {
    let is_word = |character: Option<char>| character.is_some_and(char::is_alphanumeric);
    let begins = is_word(cause.chars().next());
    let ends = is_word(cause.chars().next_back());
    cause.is_empty()
        || line.match_indices(cause).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            let after = line[at + cause.len()..].chars().next();
            !(begins && is_word(before) || ends && is_word(after))
        })
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use super::*;

    /// An error of this text, and its cause.
    #[derive(Debug)]
    struct Chain(&'static str, Option<Box<Chain>>);

    impl fmt::Display for Chain {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Chain {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|cause| cause as _)
        }
    }

    fn chain_of(texts: &[&'static str]) -> Chain {
        let (first, causes) = texts.split_first().expect("an error has a text");
        Chain(first, (!causes.is_empty()).then(|| Box::new(chain_of(causes))))
    }

    #[test]
    fn causes_follow_the_error_once() {
        for (texts, reason) in [
            (&["alone"] as &[_], "alone"),
            (
                &["cannot reach the queue", "tls handshake", "expired"],
                "cannot reach the queue: tls handshake: expired",
            ),
            (&["outer: inner", "inner", "core"], "outer: inner: core"),
            (&["timed out", "timed out", "timed out"], "timed out"),
            (&["15 tries", "5"], "15 tries: 5"),
            (&["try 5 of 6", "5"], "try 5 of 6"),
            (&["größer", "größe"], "größer: größe"),
            (&["cannot connect:", "refused"], "cannot connect: refused"),
            (&["", "refused"], "refused"),
            (&["outer", "", "core"], "outer: core"),
            (&["two\nlines", "more\n lines"], "two lines: more lines"),
            (
                &["at postgres://a:b@h", "no postgres://a:b@h"],
                "at postgres://***@h: no postgres://***@h",
            ),
            (&["(os error 2)", "os error 2"], "(os error 2)"),
            (
                &["cannot change password", "quota exceeded"],
                "cannot change password: quota exceeded",
            ),
            (&["login failed", "password: hunter2"], "login failed: password: ***"),
        ] {
            assert_eq!(chain_of(texts).into_reason(), reason, "{texts:?}");
        }
    }

    #[derive(Debug)]
    struct Circle;

    impl fmt::Display for Circle {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("round")
        }
    }

    impl Error for Circle {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(self)
        }
    }

    #[test]
    fn a_circle_of_causes_ends() {
        assert_eq!(Circle.into_reason(), "round");
    }
}
