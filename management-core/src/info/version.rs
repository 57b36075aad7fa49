//! The version of the program.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::check::provided::Provided;
use crate::config::environment::Environment;
use crate::info::provider::Provider;
use crate::report::signals::Signals;
use crate::run::Runner;

/// The version of a program that has none.
pub(crate) const UNKNOWN: &str = "unknown";

/// The sources of the version.
pub(crate) struct Version {
    pub(crate) provider: Option<Arc<Runner<Provided<Option<String>>>>>,
    /// The environment variable `VERSION`, read when this was built, unless it is empty.
    pub(crate) variable: Option<String>,
}

/// The provider failed or is late. The log has the reason.
#[derive(Debug)]
pub(crate) struct NotProvided;

impl Version {
    pub(crate) fn new(
        provider: Option<Provider<Option<String>>>,
        environment: &Environment,
        signals: &Signals,
        budget: Duration,
    ) -> Self {
        let run = |provider: Provider<_>| {
            provider.into_runner("version provider".into(), signals, budget)
        };
        Version { provider: provider.map(run), variable: environment.get("VERSION") }
    }

    /// The version as the last run of the provider had it; `None` before its first run, which this starts.
    #[cfg(feature = "_series")]
    pub(crate) fn last(&self, now: Instant) -> Option<Result<Option<String>, NotProvided>> {
        let Some(provider) = &self.provider else { return Some(Ok(self.variable.clone())) };
        let Some(outcome) = provider.last_outcome() else {
            provider.ask(now);
            return None;
        };
        let provided = outcome.value.as_ref().map(|version| self.or_variable(version.clone()));
        Some(provided.map_err(|_| NotProvided))
    }

    /// The version of the provider, else that of the environment variable.
    pub(crate) async fn read(
        &self,
        now: Instant,
        budget: Duration,
    ) -> Result<Option<String>, NotProvided> {
        let provided = match &self.provider {
            None => None,
            Some(provider) => {
                let outcome = provider.answer(provider.ask(now), now, budget).await.outcome;
                match outcome.as_ref().map(|outcome| &outcome.value) {
                    Ok(Ok(provided)) => provided.clone(),
                    Ok(Err(_)) | Err(_) => return Err(NotProvided),
                }
            }
        };
        Ok(self.or_variable(provided))
    }

    fn or_variable(&self, provided: Option<String>) -> Option<String> {
        provided.filter(|version| !version.is_empty()).or_else(|| self.variable.clone())
    }
}
