//! What attributes registered and what the builder was given, put together.

use std::collections::HashMap;

use crate::build::context::Context;
use crate::build::{dependencies, group_settings, names};
use crate::check::entry::{CheckEntry, InfoEntry, VersionEntry};
use crate::check::name;
use crate::check::origin::Origin;
use crate::check::provided::Provided;
use crate::check::settings::Settings;
use crate::check::{Cascade, Check};
use crate::config::{Config, overrides};
use crate::error::{Mistake, Mistakes};
use crate::info::provider::Provider;
use crate::run::Job;
use crate::text::json::Json;
use crate::text::similar::unknown_with_remedy;

/// The checks of a build, and the mistakes found on the way.
pub(crate) struct Collection {
    pub(crate) checks: Vec<Check>,
    pub(crate) mistakes: Mistakes,
}

impl Collection {
    pub(crate) fn new(mistakes: Mistakes) -> Self {
        Collection { checks: Vec::new(), mistakes }
    }

    /// Adds the checks that attributes registered, without those that are left out. `is_found` is whether
    /// registrations can be found in this program.
    pub(crate) fn add_registered(
        &mut self,
        is_found: bool,
        without_registered: bool,
        left_out: &[String],
    ) {
        if !is_found && !without_registered {
            self.mistakes.push(Mistake::absent(
                "the linker of this program dropped everything that attributes registered: give the checks \
                 to the builder with `.check(Check::new(…))`, and call `.without_registered()`",
            ));
        }
        let entries = || inventory::iter::<CheckEntry>.into_iter();
        for name in left_out {
            if !entries().any(|entry| is_named(entry, name)) {
                let mut known: Vec<_> = entries().map(|entry| entry.name).collect();
                known.sort_unstable();
                known.dedup();
                let remedy =
                    "Give the name of a check that an attribute registered, or `crate/name`";
                self.mistakes.push(Mistake::absent(format!(
                    "`.without({name:?})`: {}",
                    unknown_with_remedy("check", name, &known, remedy),
                )));
            }
        }
        if !without_registered {
            let kept = entries().filter(|entry| !left_out.iter().any(|name| is_named(entry, name)));
            self.checks.extend(kept.map(CheckEntry::to_check));
        }
    }

    /// Adds the checks that the builder was given.
    pub(crate) fn add(&mut self, checks: Vec<Check>) {
        self.checks.extend(checks);
    }

    /// Adds a check for each service dependency. `prefix` is that of this service.
    pub(crate) fn add_dependencies(&mut self, config: &Config, prefix: &str) {
        let checks = dependencies::checks(config, prefix, &mut self.mistakes);
        self.checks.extend(checks);
    }

    /// Puts each replacement in the place of the check of its name.
    pub(crate) fn replace(&mut self, replacements: Vec<Check>) {
        for mut check in replacements {
            let Some(old) = self.checks.iter_mut().find(|old| old.name == check.name) else {
                let mut known = names::known(&self.checks);
                known.sort_unstable();
                self.mistakes.push(Mistake::absent(format!(
                    "`.replace({:?})`: {}",
                    check.name,
                    unknown_with_remedy(
                        "check",
                        &check.name,
                        &known,
                        "`.check(…)` adds a new check"
                    ),
                )));
                continue;
            };
            check.kind = check.kind.or(old.kind);
            if check.is_instant() || old.is_instant() {
                // Nothing else applies to an instant check.
                old.settings = Settings { critical: old.settings.critical, ..Settings::new() };
            }
            check.settings = check.settings.or(&old.settings);
            check.groups = check.groups.or_else(|| old.groups.take());
            check.cascade = old.cascade.take().map(|_| Cascade { own: None });
            *old = check;
        }
    }

    /// Sorts the checks by name, and validates them together.
    pub(crate) fn validate(&mut self, required: &[String], config: &Config) {
        let by_name = |one: &Check, other: &Check| {
            (&one.name, &one.origin).cmp(&(&other.name, &other.origin))
        };
        self.checks.sort_by(by_name);
        self.mistakes.extend(names::mistakes(&self.checks));
        self.mistakes.extend(missing(required, &self.checks, config));
        self.mistakes.extend(group_settings::mistakes(config, &self.checks));
    }

    /// Applies what the configuration changes in single checks, and describes each change for the log.
    pub(crate) fn apply_overrides(&mut self, config: &Config) -> Vec<(String, String)> {
        overrides::apply(&mut self.checks, config, &mut self.mistakes)
    }
}

/// Whether an entry goes by `name` or `crate/name`. A name has no slash, so there is only one way to read it.
fn is_named(entry: &CheckEntry, name: &str) -> bool {
    match name.split_once('/') {
        Some((crate_name, name)) => {
            let crate_name = crate_name.replace('-', "_");
            name == entry.name && entry.origin.crate_name().is_some_and(|own| own == crate_name)
        }
        None => name == entry.name,
    }
}

/// The required checks that are missing among checks sorted by name.
fn missing<'a>(
    required: &'a [String],
    checks: &'a [Check],
    config: &'a Config,
) -> impl Iterator<Item = Mistake> + 'a {
    let is_missing = |name: &&String| {
        // The mistake of a dependency that cannot be asked is reported already.
        names::find(checks, name).is_none() && !config.service_dependencies.contains_key(*name)
    };
    required.iter().filter(is_missing).map(|name| {
        Mistake::absent(format!(
            "`.require({name:?})`: {}",
            unknown_with_remedy(
                "check",
                name,
                &names::known(checks),
                "The linker drops a crate that nothing names: if another crate registers the check, write \
                 `use its_crate as _;` in the binary",
            ),
        ))
    })
}

/// Reports two version providers.
pub(crate) fn two_version_providers(first: &Origin, second: &Origin) -> Mistake {
    Mistake::name_taken(format!(
        "two version providers, at {first} and {second}: keep one{}",
        first.remedy_in_doc_example(),
    ))
}

impl Context<'_> {
    pub(crate) fn version_provider(
        &mut self,
        own: Option<(Origin, Job<Provided<Option<String>>>)>,
        without_registered: bool,
    ) -> Option<Provider<Option<String>>> {
        let what = "the version provider";
        if let Some((origin, job)) = own {
            return self.provider(what, &origin, job, &Settings::new());
        }
        if without_registered {
            return None;
        }
        let mut entries: Vec<_> = inventory::iter::<VersionEntry>.into_iter().collect();
        entries.sort_by_key(|entry| entry.origin);
        let pairs = entries.windows(2);
        self.mistakes
            .extend(pairs.map(|pair| two_version_providers(&pair[0].origin, &pair[1].origin)));
        let providers = entries.into_iter().filter_map(|entry| {
            let job = self.bind(what, &entry.origin, entry.bind);
            self.provider(what, &entry.origin, job, &entry.settings)
        });
        // All are looked at, for the mistakes in them. Without a mistake there is at most one.
        providers.last()
    }

    /// The info contributors, sorted by key. One that the builder was given replaces a registered one.
    pub(crate) fn contributors(
        &mut self,
        own: Vec<(String, Origin, Job<Provided<Json>>)>,
        without_registered: bool,
    ) -> Vec<(String, Provider<Json>)> {
        let mut seen = HashMap::new();
        let mut accepted = Vec::new();
        for (key, origin, job) in own {
            self.check_info_key(&key, origin, &mut seen);
            let what = format!("info contributor `{key}`");
            let provider = self.provider(&what, &origin, job, &Settings::new());
            accepted.extend(provider.map(|provider| (key, provider)));
        }
        let mut entries: Vec<_> = inventory::iter::<InfoEntry>
            .into_iter()
            .filter(|entry| !without_registered && !seen.contains_key(entry.key))
            .collect();
        entries.sort_by_key(|entry| entry.origin);
        for entry in entries {
            self.check_info_key(entry.key, entry.origin, &mut seen);
            let what = format!("info contributor `{}`", entry.key);
            let job = self.bind(&what, &entry.origin, entry.bind);
            let provider = self.provider(&what, &entry.origin, job, &entry.settings);
            accepted.extend(provider.map(|provider| (entry.key.into(), provider)));
        }
        accepted.sort_by(|(one, _), (other, _)| one.cmp(other));
        accepted
    }

    fn check_info_key(&mut self, key: &str, origin: Origin, seen: &mut HashMap<String, Origin>) {
        if let Some(complaint) = name::info_key_complaint(key) {
            self.mistakes.push(names::invalid_name("info contributor", key, &origin, &complaint));
        }
        if let Some(first) = seen.insert(key.into(), origin) {
            self.mistakes.push(Mistake::name_taken(format!(
                "two info contributors have the key `{key}`, at {first} and {origin}: keep one{}",
                first.remedy_in_doc_example(),
            )));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::entry;

    #[test]
    fn lost_registrations_are_a_mistake() {
        let error = |is_found, without_registered| {
            let mut collection = Collection::new(Mistakes::default());
            collection.add_registered(is_found, without_registered, &[]);
            collection.mistakes.into_result().err().map(|error| error.to_string())
        };
        let lost = error(false, false).expect("a mistake");
        assert!(lost.contains("dropped everything that attributes registered"), "{lost}");
        assert!(lost.contains("`.without_registered()`"), "{lost}");
        assert_eq!(error(false, true), None, "nobody has asked for them");
        assert_eq!(error(entry::is_found(), false), None, "it finds what it registers itself");
    }
}
