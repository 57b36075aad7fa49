//! The version of the program.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::check::provided::Provided;
use crate::config::environment::Environment;
use crate::info::build_info::BuildInfo;
use crate::info::provider::Provider;
use crate::report::signals::Signals;
use crate::run::Runner;

/// The version of a program that has none.
pub(crate) const UNKNOWN: &str = "unknown";

/// The sources of the version.
pub(crate) struct Version {
    pub(crate) provider: Option<Arc<Runner<Provided<Option<String>>>>>,
    /// The environment variable `VERSION`, read when this was built, unless it is empty; else the version of the package.
    pub(crate) fallback: Option<String>,
}

/// The provider failed or is late. The log has the reason.
#[derive(Debug)]
pub(crate) struct NotProvided;

impl Version {
    pub(crate) fn new(
        provider: Option<Provider<Option<String>>>,
        environment: &Environment,
        build: Option<&BuildInfo>,
        signals: &Signals,
        budget: Duration,
    ) -> Self {
        let run = |provider: Provider<_>| {
            provider.into_runner("version provider".into(), signals, budget)
        };
        let built = || build.and_then(BuildInfo::version).map(str::to_owned);
        let fallback = environment.get("VERSION").or_else(built);
        Version { provider: provider.map(run), fallback }
    }

    /// The version as the last run of the provider had it; `None` before its first run, which this starts.
    #[cfg(feature = "_series")]
    pub(crate) fn last(&self, now: Instant) -> Option<Result<Option<String>, NotProvided>> {
        let Some(provider) = &self.provider else { return Some(Ok(self.fallback.clone())) };
        let Some(outcome) = provider.last_outcome() else {
            provider.ask(now);
            return None;
        };
        let provided = outcome.value.as_ref().map(|version| self.or_fallback(version.clone()));
        Some(provided.map_err(|_| NotProvided))
    }

    /// The version of the provider, else that of the environment variable or of the build.
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
        Ok(self.or_fallback(provided))
    }

    fn or_fallback(&self, provided: Option<String>) -> Option<String> {
        provided.filter(|version| !version.is_empty()).or_else(|| self.fallback.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::secret::Names;

    #[test]
    fn the_variable_comes_before_the_build() {
        let (build, signals) = (crate::build_info!(), Signals::new(Names::default()));
        let version = |environment: &Environment, build: Option<&BuildInfo>| {
            Version::new(None, environment, build, &signals, Duration::ZERO).fallback
        };
        let (set, empty) =
            (Environment::from([("VERSION", "7.0")]), Environment::from([("VERSION", "")]));
        assert_eq!(version(&set, Some(&build)).as_deref(), Some("7.0"));
        assert_eq!(version(&empty, Some(&build)).as_deref(), build.version());
        assert_eq!(version(&empty, None), None);
    }
}
