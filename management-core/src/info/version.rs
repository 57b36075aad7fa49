//! Which version of the program this is.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::check::provided::Provided;
use crate::run::Runner;

/// What is said where nobody knows.
pub(crate) const UNKNOWN: &str = "unknown";

/// Where the version comes from.
pub(crate) struct Version {
    pub(crate) provider: Option<Arc<Runner<Provided<Option<String>>>>>,
    /// The environment variable `VERSION`, read when this was built, unless it is empty.
    pub(crate) variable: Option<String>,
}

/// The provider has failed or is late, which was logged when it was run.
#[derive(Debug)]
pub(crate) struct NotProvided;

impl Version {
    /// What the provider says, else the variable, if there is either.
    pub(crate) async fn read(
        &self,
        now: Instant,
        budget: Duration,
    ) -> Result<Option<String>, NotProvided> {
        let provided = match &self.provider {
            None => None,
            Some(provider) => {
                let outcome = provider.settle(provider.ask(now), now, budget).await.outcome;
                match outcome.as_ref().map(|outcome| &outcome.value) {
                    Ok(Ok(provided)) => provided.clone(),
                    Ok(Err(_)) | Err(_) => return Err(NotProvided),
                }
            }
        };
        let provided = provided.filter(|version| !version.is_empty());
        Ok(provided.or_else(|| self.variable.clone()))
    }
}
