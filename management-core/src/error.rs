//! The error of a build, which contains every mistake. The text of each mistake is in the file of its rule.

use std::fmt;

/// Every mistake in the registered functions and in the configuration.
///
/// `Display` and `Debug` both list the mistakes as sentences. Most programs return this error from `main`, which prints it
/// with `Debug`.
pub struct Error {
    mistakes: Vec<Mistake>,
}

/// One mistake.
pub(crate) struct Mistake {
    kind: Kind,
    text: String,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    NameTaken,
    State,
    Absent,
    Invalid,
}

impl Error {
    /// Whether two checks, a check and a group, or two info contributors have the same name.
    pub fn is_name_taken(&self) -> bool {
        self.has(Kind::NameTaken)
    }

    /// Whether the state of a check is missing, or two values of one type are passed as state.
    pub fn is_state(&self) -> bool {
        self.has(Kind::State)
    }

    /// Whether a name is unknown: that of a check to require, replace, leave out, configure or add to a group, or that of a
    /// service dependency in `cascade`.
    pub fn is_absent(&self) -> bool {
        self.has(Kind::Absent)
    }

    /// Whether a name, a duration or another value is invalid.
    pub fn is_invalid(&self) -> bool {
        self.has(Kind::Invalid)
    }

    /// The text of each mistake: what it is, where it is and how to correct it.
    pub fn mistakes(&self) -> impl ExactSizeIterator<Item = &str> {
        self.mistakes.iter().map(|mistake| mistake.text.as_str())
    }

    fn has(&self, kind: Kind) -> bool {
        self.mistakes.iter().any(|mistake| mistake.kind == kind)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.mistakes {
            [only] => write!(f, "a mistake in the management endpoints: {}", only.text),
            all => {
                write!(f, "{} mistakes in the management endpoints:", all.len())?;
                for (number, mistake) in (1..).zip(all) {
                    write!(f, "\n  {number}. {}", mistake.text)?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}

impl Mistake {
    /// Two things have the same name.
    pub(crate) fn name_taken(text: impl Into<String>) -> Self {
        Mistake { kind: Kind::NameTaken, text: text.into() }
    }

    /// The state of a check is missing or is passed twice.
    pub(crate) fn state(text: impl Into<String>) -> Self {
        Mistake { kind: Kind::State, text: text.into() }
    }

    /// Something names a check or a dependency that does not exist.
    pub(crate) fn absent(text: impl Into<String>) -> Self {
        Mistake { kind: Kind::Absent, text: text.into() }
    }

    /// A value is not allowed.
    pub(crate) fn invalid(text: impl Into<String>) -> Self {
        Mistake { kind: Kind::Invalid, text: text.into() }
    }
}

/// Every mistake found so far, so that all of them are reported together.
#[derive(Default)]
pub(crate) struct Mistakes(Vec<Mistake>);

impl Mistakes {
    pub(crate) fn push(&mut self, mistake: Mistake) {
        self.0.push(mistake);
    }

    /// An error with all mistakes, unless there are none.
    pub(crate) fn into_result(self) -> Result<(), Error> {
        if self.0.is_empty() { Ok(()) } else { Err(Error { mistakes: self.0 }) }
    }
}

impl Extend<Mistake> for Mistakes {
    fn extend<I: IntoIterator<Item = Mistake>>(&mut self, mistakes: I) {
        self.0.extend(mistakes);
    }
}

impl IntoIterator for Mistakes {
    type Item = Mistake;
    type IntoIter = std::vec::IntoIter<Mistake>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
