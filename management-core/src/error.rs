//! The mistakes of a build, all together. Each message is worded where its rule is.

use std::fmt;

/// Mistakes in what was registered or configured, all of them together.
///
/// Both `Display` and `Debug` list the mistakes in words, since most programs return this from
/// `main`, which prints errors with `Debug`.
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
    /// Whether a name was given twice: to two checks, to a check and a group, or to two contributors.
    pub fn is_name_taken(&self) -> bool {
        self.has(Kind::NameTaken)
    }

    /// Whether the state of a check is missing, or there are two values of one type.
    pub fn is_state(&self) -> bool {
        self.has(Kind::State)
    }

    /// Whether a check that was required, replaced, left out, configured or put into a group is not there,
    /// or a service dependency that `cascade` names.
    pub fn is_absent(&self) -> bool {
        self.has(Kind::Absent)
    }

    /// Whether a name, a duration or another value cannot be.
    pub fn is_invalid(&self) -> bool {
        self.has(Kind::Invalid)
    }

    /// What each mistake is, where it stands and what to do about it.
    pub fn mistakes(&self) -> Vec<&str> {
        self.mistakes.iter().map(|mistake| mistake.text.as_str()).collect()
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
    /// A name is given twice.
    pub(crate) fn name_taken(text: impl Into<String>) -> Self {
        Mistake { kind: Kind::NameTaken, text: text.into() }
    }

    /// The state of a check is missing or given twice.
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
