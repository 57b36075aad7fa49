//! Without the feature `dependencies`, a configured one is a mistake.

use crate::check::Check;
use crate::config::Config;
use crate::error::{Mistake, Mistakes};

pub(crate) fn checks(config: &Config, _: &str, mistakes: &mut Mistakes) -> Vec<Check> {
    if !config.service_dependencies.is_empty() || !config.cascade.is_empty() {
        mistakes.push(Mistake::invalid(
            "`service_dependencies` are configured, but this program has no HTTP client: enable the feature \
             `dependencies` of this library",
        ));
    }
    Vec::new()
}
