//! What the series are read from.

use std::fmt;
use std::sync::{Arc, OnceLock};

use tokio::runtime::RuntimeMetrics;
use tokio::time::Instant;

use crate::check::health::Health;
use crate::check::status::Status;
use crate::info::identity::Identity;
#[cfg(feature = "actuator")]
use crate::info::load::{Load, Shares};
use crate::info::usage::Usage;
use crate::info::version::UNKNOWN;
use crate::report::about::effective_status;
use crate::report::availability::Availability;
use crate::report::health_group::HealthGroup;
use crate::report::registered::RegisteredCheck;
use crate::report::runtime_lag::RuntimeLag;
use crate::run::Runner;

/// One `Management` at one moment.
pub(crate) struct Source {
    pub(crate) checks: Arc<Vec<Arc<RegisteredCheck>>>,
    pub(crate) groups: Vec<Arc<HealthGroup>>,
    pub(crate) availability: Availability,
    pub(crate) runtime_lag: Arc<RuntimeLag>,
    /// The runtime of the application, if one is known.
    pub(crate) runtime: Option<RuntimeMetrics>,
    /// `None` until the version is known.
    pub(crate) build: Option<Build>,
    #[cfg(feature = "actuator")]
    pub(crate) load: Arc<Load>,
    pub(crate) once: Once,
}

/// The labels of `build_info`.
#[derive(Debug)]
pub(crate) struct Build {
    pub(crate) version: String,
    pub(crate) revision: String,
}

impl Build {
    /// The version is that of `/version`.
    pub(crate) fn new(version: Option<String>, identity: &Identity) -> Self {
        Build {
            version: version.unwrap_or_else(|| UNKNOWN.into()),
            revision: identity.revision().unwrap_or(UNKNOWN).into(),
        }
    }
}

/// What several series are read from, and what is read when the first of them is.
#[derive(Default)]
pub(crate) struct Once {
    /// Of each check.
    statuses: OnceLock<Vec<Status>>,
    usage: OnceLock<Usage>,
}

impl Source {
    /// The checks that run, whereas an instant one is computed.
    pub(super) fn that_run(&self) -> impl Iterator<Item = &RegisteredCheck> {
        self.checks.iter().map(|check| &**check).filter(|check| !check.is_instant())
    }

    /// The status of each check that `/health` would show if nothing was run for it.
    pub(super) fn statuses(&self) -> &[Status] {
        self.once.statuses.get_or_init(|| {
            let now = Instant::now();
            self.checks.iter().map(|check| status(&check.runner, now)).collect()
        })
    }

    /// The status of a group that its answer would have if nothing was run for it.
    pub(super) fn status_of(&self, group: &HealthGroup) -> Status {
        let now = Instant::now();
        let members = self.checks.iter().zip(self.statuses()).filter(|(check, _)| group.has(check));
        let of_checks = members.map(|(check, known)| {
            let runner = group.runner(check);
            let is_same = Arc::ptr_eq(runner, &check.runner);
            let status = if is_same { *known } else { status(runner, now) };
            effective_status(group.about(check).critical, status)
        });
        let availability = group.availability_component(&self.availability);
        let runtime = group.runtime_component(&self.runtime_lag);
        let own = availability.into_iter().chain(runtime);
        let all = own.map(|component| component.effective_status()).chain(of_checks);
        all.max().unwrap_or(Status::Up)
    }

    pub(super) fn usage(&self) -> &Usage {
        self.once.usage.get_or_init(Usage::read)
    }

    #[cfg(feature = "actuator")]
    pub(super) fn load(&self) -> Shares {
        self.load.read(self.usage())
    }
}

/// The status of the last result; `UNKNOWN` if there is none, or if it is too old.
fn status(runner: &Runner<Health>, now: Instant) -> Status {
    let outcome = runner.last(now).and_then(|reading| reading.outcome.ok());
    outcome.map_or(Status::Unknown, |outcome| outcome.value.status())
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("build", &self.build).finish_non_exhaustive()
    }
}
