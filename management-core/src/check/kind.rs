use std::fmt;

use serde::Deserialize;

use crate::check::probe::Probe;
use crate::check::settings::{DEPENDENCY_TIMEOUT, DEPENDENCY_TTL, Settings};

/// The answers that a check is part of. Every check is part of `/health`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum CheckKind {
    /// Only `/health`.
    Health,
    /// `/health/readiness`, which decides whether the service gets requests.
    Readiness,
    /// `/health/liveness`, which decides whether the process is restarted, and readiness.
    Liveness,
    /// `/health/startup` and readiness, until its first success.
    Startup,
    /// Another service: only `/health`, and readiness with [`Dependency::readiness`](crate::Dependency::readiness).
    Dependency,
}

impl CheckKind {
    /// Whether checks of this kind are part of a probe, always or until their first success.
    pub(crate) fn is_part_of(self, probe: Probe) -> bool {
        matches!(
            (self, probe),
            (CheckKind::Liveness, Probe::Liveness | Probe::Readiness)
                | (CheckKind::Readiness, Probe::Readiness)
                | (CheckKind::Startup, Probe::Startup | Probe::Readiness)
        )
    }

    /// As it is written in fields of the log, and in other formats.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            CheckKind::Health => "health",
            CheckKind::Readiness => "readiness",
            CheckKind::Liveness => "liveness",
            CheckKind::Startup => "startup",
            CheckKind::Dependency => "dependency",
        }
    }

    /// The noun for checks of this kind in messages.
    pub(crate) fn word(self) -> &'static str {
        match self {
            CheckKind::Dependency => "service dependency",
            _ => "check",
        }
    }

    /// The defaults that differ from those of other kinds.
    pub(crate) fn defaults(self) -> Settings {
        match self {
            CheckKind::Dependency => {
                Settings::new().timeout(DEPENDENCY_TIMEOUT).ttl(DEPENDENCY_TTL)
            }
            _ => Settings::new(),
        }
    }
}

impl fmt::Display for CheckKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
