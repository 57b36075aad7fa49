//! What attributes registered and what the builder was given, put together.

use std::collections::HashMap;

use crate::build::context::Context;
use crate::build::names;
use crate::check::entry::{CheckEntry, InfoEntry, VersionEntry};
use crate::check::name;
use crate::check::origin::Origin;
use crate::check::provided::Provided;
use crate::check::settings::Settings;
use crate::check::{Cascade, Check};
use crate::config::Config;
use crate::error::{Mistake, Mistakes};
use crate::info::provider::Provider;
use crate::run::Job;
use crate::text::json::Json;
use crate::text::similar::unknown_with_remedy;

/// The checks that attributes registered, without those that are left out. `is_found` is whether
/// registrations can be found in this program.
pub(crate) fn registered(
    is_found: bool,
    without_registered: bool,
    left_out: &[String],
    mistakes: &mut Mistakes,
) -> Vec<Check> {
    if !is_found && !without_registered {
        mistakes.push(Mistake::absent(
            "the linker of this program dropped everything that attributes registered: give the checks to \
             the builder with `.check(Check::new(…))`, and call `.without_registered()`",
        ));
    }
    let entries = || inventory::iter::<CheckEntry>.into_iter();
    let is_meant = |name: &str, entry: &CheckEntry| {
        // A name has no slash, so there is only one way to read this.
        match name.split_once('/') {
            Some((crate_name, name)) => {
                let crate_name = crate_name.replace('-', "_");
                name == entry.name && entry.origin.crate_name().is_some_and(|own| own == crate_name)
            }
            None => name == entry.name,
        }
    };
    for name in left_out {
        if !entries().any(|entry| is_meant(name, entry)) {
            let mut known: Vec<_> = entries().map(|entry| entry.name).collect();
            known.sort_unstable();
            known.dedup();
            mistakes.push(Mistake::absent(format!(
                "`.without({name:?})`: {}",
                unknown_with_remedy(
                    "check",
                    name,
                    &known,
                    "Give the name of a check that an attribute registered, or `crate/name`",
                ),
            )));
        }
    }
    if without_registered {
        return Vec::new();
    }
    entries()
        .filter(|entry| !left_out.iter().any(|name| is_meant(name, entry)))
        .map(CheckEntry::to_check)
        .collect()
}

/// Puts each replacement in the place of the check of its name.
pub(crate) fn replace(checks: &mut [Check], replacements: Vec<Check>, mistakes: &mut Mistakes) {
    for mut check in replacements {
        let Some(old) = checks.iter_mut().find(|old| old.name == check.name) else {
            let mut known = names::known(checks);
            known.sort_unstable();
            mistakes.push(Mistake::absent(format!(
                "`.replace({:?})`: {}",
                check.name,
                unknown_with_remedy("check", &check.name, &known, "`.check(…)` adds a new check"),
            )));
            continue;
        };
        check.kind = check.kind.or(old.kind);
        check.settings = check.settings.or(&old.settings);
        check.groups = check.groups.or_else(|| old.groups.take());
        check.cascade = old.cascade.take().map(|_| Cascade { own: None });
        *old = check;
    }
}

/// The required checks that are missing among checks sorted by name.
pub(crate) fn missing<'a>(
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
            let mut mistakes = Mistakes::default();
            registered(is_found, without_registered, &[], &mut mistakes);
            mistakes.into_result().err().map(|error| error.to_string())
        };
        let lost = error(false, false).expect("a mistake");
        assert!(lost.contains("dropped everything that attributes registered"), "{lost}");
        assert!(lost.contains("`.without_registered()`"), "{lost}");
        assert_eq!(error(false, true), None, "nobody has asked for them");
        assert_eq!(error(entry::is_found(), false), None, "it finds what it registers itself");
    }
}
