//! What a job is called in the log.

use std::fmt;

/// What a job is called in the log.
#[derive(Clone, Debug)]
pub(crate) enum Label {
    /// A check, by its name, its kind, and the noun for that.
    Check { name: String, kind: &'static str, noun: &'static str },
    /// Anything else, such as `the version provider`.
    Other(String),
}

impl Label {
    /// The name of the check, if it is one.
    pub(crate) fn check(&self) -> Option<String> {
        match self {
            Label::Check { name, .. } => Some(name.clone()),
            Label::Other(_) => None,
        }
    }

    /// What it is, if it is no check.
    pub(crate) fn provider(&self) -> Option<String> {
        match self {
            Label::Check { .. } => None,
            Label::Other(what) => Some(what.clone()),
        }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Label::Check { name, noun, .. } => write!(f, "{noun} {name}"),
            Label::Other(what) => f.write_str(what),
        }
    }
}
