use std::fmt;
use std::io;
use std::time::{Duration, SystemTime};

use crate::text;
use crate::text::reason::IntoReason;
use crate::text::secret::Names;

/// Why a run has no outcome of its own.
///
/// `Display` is what everyone may see.
#[derive(Debug)]
pub enum Failure {
    /// The deadline came first.
    TimedOut(Duration),
    /// An earlier run, which was late, has still not returned.
    StillRunning(SystemTime),
    /// What the panic said.
    Panicked(String),
    /// The system gave no thread to run on.
    NoThread(io::Error),
    /// The function returned an error.
    Failed(String),
}

impl Failure {
    pub(crate) fn failed<E: IntoReason<Shape>, Shape>(error: E) -> Self {
        Failure::Failed(error.into_reason())
    }

    pub(crate) fn mask(&mut self, names: &Names) {
        if let Failure::Panicked(said) | Failure::Failed(said) = self {
            text::mask_added(names, said);
        }
    }

    /// What the log may have and nobody else, where that differs.
    pub(crate) fn confidential(&self) -> Option<String> {
        match self {
            Failure::Panicked(said) => Some(format!("panicked: {said}")),
            _ => None,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::TimedOut(timeout) => {
                write!(f, "timed out after {}", humantime::format_duration(*timeout))
            }
            Failure::StillRunning(since) => {
                write!(f, "still running since {}", humantime::format_rfc3339_seconds(*since))
            }
            Failure::Panicked(_) => f.write_str("panicked"),
            Failure::NoThread(error) => write!(f, "no thread to run on: {error}"),
            Failure::Failed(error) => f.write_str(error),
        }
    }
}
