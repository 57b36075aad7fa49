use std::fmt;

use serde::Deserialize;

use crate::check::probe::Probe;
use crate::check::settings::{DEPENDENCY_TIMEOUT, DEPENDENCY_TTL, Settings};

/// Which answers a check is part of. Every check is part of `/health`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum CheckKind {
    /// `/health` alone.
    Health,
    /// `/health/readiness`, which decides whether the service gets requests.
    Readiness,
    /// `/health/liveness`, which decides whether the process is restarted, and readiness.
    Liveness,
    /// `/health/startup` and readiness, until its first success.
    Startup,
    /// Another service: `/health` alone, and readiness if it is
    /// [asked for](crate::Dependency::readiness).
    Dependency,
}

impl CheckKind {
    /// Whether checks of this kind are part of a probe until they have succeeded, or always.
    pub(crate) fn is_part_of(self, probe: Probe) -> bool {
        matches!(
            (self, probe),
            (CheckKind::Liveness, Probe::Liveness | Probe::Readiness)
                | (CheckKind::Readiness, Probe::Readiness)
                | (CheckKind::Startup, Probe::Startup | Probe::Readiness)
        )
    }

    /// What it is called in a message.
    pub(crate) fn word(self) -> &'static str {
        match self {
            CheckKind::Dependency => "service dependency",
            _ => "check",
        }
    }

    /// What differs from the defaults of other kinds.
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
        f.pad(match self {
            CheckKind::Health => "health",
            CheckKind::Readiness => "readiness",
            CheckKind::Liveness => "liveness",
            CheckKind::Startup => "startup",
            CheckKind::Dependency => "dependency",
        })
    }
}
