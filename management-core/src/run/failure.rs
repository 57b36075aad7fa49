use std::fmt;
use std::io;
use std::time::{Duration, SystemTime};

use crate::text;
use crate::text::reason::IntoReason;
use crate::text::secret::Names;

/// Why a run has no result.
///
/// Its `Display` contains nothing confidential.
#[derive(Debug)]
pub enum Failure {
    /// The deadline passed.
    TimedOut {
        /// The timeout.
        after: Duration,
        /// What the run did at that time, or nothing.
        step: String,
    },
    /// An earlier run exceeded its deadline and has not returned yet.
    StillRunning(SystemTime),
    /// It panicked with this message.
    Panicked(String),
    /// The system has no thread left.
    NoThread(io::Error),
    /// The function returned an error.
    Failed(String),
}

impl Failure {
    pub(crate) fn failed<E: IntoReason<Shape>, Shape>(error: E) -> Self {
        Failure::Failed(error.into_reason())
    }

    pub(crate) fn mask(&mut self, names: &Names) {
        if let Failure::Panicked(text)
        | Failure::Failed(text)
        | Failure::TimedOut { step: text, .. } = self
        {
            text::mask_added(names, text);
        }
    }

    /// The text for the log, if it differs from the public one.
    pub(crate) fn confidential(&self) -> Option<String> {
        match self {
            Failure::Panicked(message) => Some(format!("panicked: {message}")),
            _ => None,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::TimedOut { after, step } => {
                write!(f, "timed out after {}", humantime::format_duration(*after))?;
                if step.is_empty() { Ok(()) } else { write!(f, " while {step}") }
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
