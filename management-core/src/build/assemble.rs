//! The steps of a build.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize};
#[cfg(feature = "prometheus")]
use std::time::Duration;

use crate::build::announce::{Built, announce};
use crate::build::builder::Builder;
use crate::build::collect::Collection;
use crate::build::configure::Configured;
use crate::build::context::Context;
use crate::check::entry;
use crate::check::kind::CheckKind;
#[cfg(feature = "prometheus")]
use crate::check::settings::Settings;
use crate::config::Config;
use crate::config::environment::Environment;
use crate::error::{Error, Mistake};
use crate::info::identity::{self, Identity};
use crate::info::provider::Contributor;
use crate::info::version::Version;
use crate::management::{Inner, Management};
#[cfg(feature = "prometheus")]
use crate::metrics::other::{self, Other};
use crate::report::signals::Signals;
use crate::sync::{Mutex, RwLock};
use crate::text::similar::unknown_with_remedy;

impl Builder {
    /// Makes the [`Management`], and starts its background work if a runtime is present.
    ///
    /// # Errors
    ///
    /// Reports all mistakes at once, each with its file and line if it has one:
    ///
    /// - a name that is taken, reserved or not allowed, and a group with the name of a check;
    /// - state that is missing or given twice;
    /// - settings that exclude each other;
    /// - two version providers, or two contributors with one key;
    /// - a check that does not exist but is required, replaced, left out, configured or a member of a group;
    /// - a prefix that is not a path, a status code other than 200 and 503, a service dependency that is not
    ///   a URL, and an environment variable that cannot be read.
    pub fn build(self) -> Result<Management, Error> {
        self.build_in(&Environment::of_process())
    }

    pub(crate) fn build_in(self, environment: &Environment) -> Result<Management, Error> {
        let Builder { own, given, mut state, without_registered, mut mistakes, .. } = self;
        mistakes.extend(std::mem::take(&mut state.mistakes));
        let service_name = own.name.clone().filter(|name| !name.trim().is_empty());
        let configured = Configured::new(own, environment, given, &mut mistakes);
        let config = &configured.config;

        let mut collection = Collection::new(mistakes);
        collection.add_registered(entry::is_found(), without_registered, &self.left_out);
        collection.add(self.checks);
        collection.add_dependencies(config, &configured.exposure.prefix);
        let has_checks = !collection.checks.is_empty();
        collection.replace(self.replacements);
        collection.validate(&self.required, config);
        let groups = configured.groups(&collection.checks);
        let overridden = collection.apply_overrides(config);
        let Collection { checks, mistakes } = collection;
        let has_dependencies = checks.iter().any(|check| check.kind == Some(CheckKind::Dependency));

        let signals = Arc::new(Signals::new(configured.secrets.clone()));
        let runtimes = &signals.background.runtimes;
        match self.runtime {
            Some(runtime) => runtimes.adopt(runtime),
            None => runtimes.adopt_current(),
        }
        let defaults = configured.defaults;
        let mut context = Context {
            state: &state,
            defaults: &defaults,
            signals: &signals,
            groups: &groups,
            mistakes,
        };
        let registered: Vec<_> =
            checks.into_iter().filter_map(|check| context.check(check)).map(Arc::new).collect();
        let has_instant_checks = registered.iter().any(|check| check.is_instant());
        let provider = context.version_provider(self.version, without_registered);
        let contributors = context.contributors(self.contributors, without_registered);
        #[cfg(feature = "prometheus")]
        let metrics_text = self.metrics_text.and_then(|(origin, job)| {
            // Each scrape wants the present values.
            let settings = Settings::new().ttl(Duration::ZERO);
            context.provider(other::SETTING, &origin, job, &settings)
        });
        let info_keys: Vec<_> = contributors.iter().map(|(key, _)| &**key).collect();
        let Context { mut mistakes, .. } = context;
        mistakes.extend(info_key_mistakes(config, &info_keys));
        // The identity may write a file, which nobody wants of a program that does not start.
        mistakes.into_result()?;

        let version = Version::new(
            provider,
            environment,
            self.build_info.as_ref(),
            &signals,
            configured.health_budget,
        );
        let identity = Identity::new(environment, service_name, self.build_info, config);
        announce(&Built {
            checks: &registered,
            groups: &groups.custom(),
            has_checks,
            has_version_provider: version.provider.is_some(),
            info_keys: &info_keys,
            unknown_info_keys: &unknown_info_keys(config, &identity, &info_keys),
            overridden: &overridden,
            untaken_state: &state.untaken(),
        });
        let health_budget = configured.health_budget;
        Ok(Management::from_inner(Inner {
            version,
            #[cfg(feature = "prometheus")]
            metrics_text: metrics_text.map(|text| Other::new(text, &signals, health_budget)),
            #[cfg(feature = "metrics")]
            emission: Arc::default(),
            contributors: Contributor::all(contributors, &signals, health_budget),
            availability: configured.availability(self.starting, &signals),
            runtime_lag: configured.runtime_lag(),
            thread: Mutex::default(),
            identity,
            checks: RwLock::new(Arc::new(registered)),
            signals,
            defaults,
            health_budget,
            groups,
            exposure: configured.exposure,
            overrides: configured.config.checks,
            has_dependencies,
            has_instant_checks: AtomicBool::new(has_instant_checks),
            listen: Mutex::new(configured.config.listen),
            #[cfg(feature = "actuator")]
            load: Arc::default(),
            endpoints: AtomicUsize::new(0),
            endpoints_on_management_port: AtomicUsize::new(0),
        }))
    }
}

/// The keys that `info_keys` allows although neither the library nor a contributor has them.
fn info_key_mistakes(config: &Config, contributed: &[&str]) -> Vec<Mistake> {
    let keys = config.info_keys.iter().flatten();
    let unknown = keys.filter(|key| !identity::can_be_key(key) && !contributed.contains(&&***key));
    let mistake = |key: &String| {
        let known = [&identity::OWN, contributed].concat();
        let remedy = "Give a key of `/info`, or an attribute such as `service.name`";
        Mistake::invalid(format!(
            "`info_keys`: {}",
            unknown_with_remedy("key", key, &known, remedy)
        ))
    };
    unknown.map(mistake).collect()
}

/// The keys that `info_keys` allows and that this process does not have.
fn unknown_info_keys(config: &Config, identity: &Identity, contributed: &[&str]) -> Vec<String> {
    let keys = config.info_keys.iter().flatten();
    keys.filter(|key| !identity.knows(key) && !contributed.contains(&&***key)).cloned().collect()
}
