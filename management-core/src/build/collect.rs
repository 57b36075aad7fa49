//! What attributes registered and what the builder was given, put together.

use std::collections::HashMap;

use crate::build::accept;
use crate::check::entry::{CheckEntry, InfoEntry, VersionEntry};
use crate::check::name;
use crate::check::origin::Origin;
use crate::check::provided::Provided;
use crate::check::settings::Settings;
use crate::check::state::State;
use crate::check::{Cascade, Check};
use crate::error::Mistake;
use crate::info::provider::Provider;
use crate::run::Job;
use crate::text::json::Json;

/// What attributes registered, less what is left out. `is_found` is whether anything can be found.
pub(crate) fn registered(
    is_found: bool,
    without_all: bool,
    left_out: &[String],
    mistakes: &mut Vec<Mistake>,
) -> Vec<Check> {
    if !is_found && !without_all {
        mistakes.push(Mistake::registrations_lost());
    }
    let entries = || inventory::iter::<CheckEntry>.into_iter();
    let is_meant = |name: &str, entry: &CheckEntry| {
        // A name has no slash, so there is only one way to read this.
        match name.split_once('/') {
            Some((krate, name)) => {
                name == entry.name
                    && entry.origin.krate().is_some_and(|own| own == krate.replace('-', "_"))
            }
            None => name == entry.name,
        }
    };
    for name in left_out {
        if !entries().any(|entry| is_meant(name, entry)) {
            mistakes.push(Mistake::absent(
                "without",
                name,
                "give the name of a check that an attribute registered, or `crate/name`",
            ));
        }
    }
    if without_all {
        return Vec::new();
    }
    entries()
        .filter(|entry| !left_out.iter().any(|name| is_meant(name, entry)))
        .map(CheckEntry::to_check)
        .collect()
}

/// Puts each replacement in the place of the check of its name.
pub(crate) fn replace(checks: &mut [Check], replacements: Vec<Check>, mistakes: &mut Vec<Mistake>) {
    for mut check in replacements {
        let Some(old) = checks.iter_mut().find(|old| old.name == check.name) else {
            mistakes.push(Mistake::absent(
                "replace",
                &check.name,
                "add it with `.check(…)` instead, or give the name of one that is there",
            ));
            continue;
        };
        check.kind = check.kind.or(old.kind);
        check.settings = check.settings.or(&old.settings);
        check.groups = check.groups.or_else(|| old.groups.take());
        check.cascade = old.cascade.take().map(|_| Cascade { own: None });
        *old = check;
    }
}

pub(crate) fn version_provider(
    own: Option<(Origin, Job<Provided<Option<String>>>)>,
    without_registered: bool,
    state: &State,
    defaults: &Settings,
    mistakes: &mut Vec<Mistake>,
) -> Option<Provider<Option<String>>> {
    let what = "the version provider";
    if let Some((origin, job)) = own {
        return accept::provider(what, origin, job, &Settings::new(), defaults, mistakes);
    }
    if without_registered {
        return None;
    }
    let mut entries: Vec<_> = inventory::iter::<VersionEntry>.into_iter().collect();
    entries.sort_by_key(|entry| entry.origin);
    for pair in entries.windows(2) {
        mistakes.push(Mistake::two_versions(&pair[0].origin, &pair[1].origin));
    }
    let providers = entries.into_iter().filter_map(|entry| {
        let job = accept::bound(what, &entry.origin, entry.bind, state, mistakes);
        accept::provider(what, entry.origin, job, &entry.settings, defaults, mistakes)
    });
    // All are looked at, for the mistakes in them; where there are none, there is one provider.
    providers.last()
}

pub(crate) fn contributors(
    own: Vec<(String, Origin, Job<Provided<Json>>)>,
    without_registered: bool,
    state: &State,
    defaults: &Settings,
    mistakes: &mut Vec<Mistake>,
) -> Vec<(String, Provider<Json>)> {
    let mut seen: HashMap<String, Origin> = HashMap::new();
    let mut accepted = Vec::new();
    for (key, origin, job) in own {
        if let Some(complaint) = name::info_key_complaint(&key) {
            mistakes.push(Mistake::name("info contributor", &key, &origin, &complaint));
        }
        if let Some(first) = seen.insert(key.clone(), origin) {
            mistakes.push(Mistake::same_key(&key, &first, &origin));
        }
        let what = format!("info contributor `{key}`");
        let settings = Settings::new();
        let provider = accept::provider(&what, origin, job, &settings, defaults, mistakes);
        accepted.extend(provider.map(|provider| (key, provider)));
    }
    let given = seen.clone();
    let mut entries: Vec<_> = inventory::iter::<InfoEntry>
        .into_iter()
        .filter(|entry| !without_registered && !given.contains_key(entry.key))
        .collect();
    entries.sort_by_key(|entry| entry.origin);
    for entry in entries {
        if let Some(complaint) = name::info_key_complaint(entry.key) {
            mistakes.push(Mistake::name("info contributor", entry.key, &entry.origin, &complaint));
        }
        if let Some(first) = seen.insert(entry.key.into(), entry.origin) {
            mistakes.push(Mistake::same_key(entry.key, &first, &entry.origin));
        }
        let what = format!("info contributor `{}`", entry.key);
        let job = accept::bound(&what, &entry.origin, entry.bind, state, mistakes);
        let provider =
            accept::provider(&what, entry.origin, job, &entry.settings, defaults, mistakes);
        accepted.extend(provider.map(|provider| (entry.key.into(), provider)));
    }
    accepted.sort_by(|(one, _), (other, _)| one.cmp(other));
    accepted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::entry;

    #[test]
    fn registrations_that_are_lost_are_a_mistake() {
        let told = |is_found, without_all| {
            let mut mistakes = Vec::new();
            registered(is_found, without_all, &[], &mut mistakes);
            crate::error::refuse(mistakes).err().map(|error| error.to_string())
        };
        let lost = told(false, false).expect("a mistake");
        assert!(lost.contains("nothing that attributes register can be found"), "{lost}");
        assert!(lost.contains("`.without_registered()`"), "{lost}");
        assert_eq!(told(false, true), None, "nobody has asked for them");
        assert_eq!(told(entry::is_found(), false), None, "it finds what it registers itself");
    }
}
