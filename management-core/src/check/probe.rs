use std::fmt;

use serde::Deserialize;

/// One of the three probes of a Kubernetes container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Probe {
    /// Whether the process must be restarted.
    Liveness,
    /// Whether the service accepts requests.
    Readiness,
    /// Whether the service has started.
    Startup,
}

impl Probe {
    pub(crate) const ALL: [Probe; 3] = [Probe::Liveness, Probe::Readiness, Probe::Startup];

    /// Its name in paths and in configuration, such as `readiness`.
    pub fn as_str(self) -> &'static str {
        match self {
            Probe::Liveness => "liveness",
            Probe::Readiness => "readiness",
            Probe::Startup => "startup",
        }
    }

    /// The probe of this name.
    pub(crate) fn named(name: &str) -> Option<Probe> {
        Probe::ALL.into_iter().find(|probe| probe.as_str() == name)
    }
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
