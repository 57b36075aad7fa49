//! Applies the configuration of single checks.

use crate::check::Check;
use crate::check::settings::SettingsFields as _;
use crate::config::{CheckConfig, Config};
use crate::error::{Mistake, Mistakes};
use crate::text::similar::unknown;

/// Changes checks and removes those that are switched off. Describes each change for the log, by
/// the name of the check.
pub(crate) fn apply(
    checks: &mut Vec<Check>,
    config: &Config,
    mistakes: &mut Mistakes,
) -> Vec<(String, String)> {
    let mut changes = Vec::new();
    for (name, overriding) in &config.checks {
        let Some(check) = checks.iter_mut().find(|check| check.name == *name) else {
            // The mistake of a dependency that cannot be asked is reported already.
            if !config.service_dependencies.contains_key(name) {
                let known: Vec<_> = checks.iter().map(|check| check.name.as_str()).collect();
                let unknown = unknown("check", name, &known);
                mistakes.push(Mistake::absent(format!("`checks.{name}`: {unknown}")));
            }
            continue;
        };
        if *overriding == CheckConfig::default() {
            continue;
        }
        changes.push((name.clone(), change(check, overriding)));
        if overriding.enabled == Some(false) {
            checks.retain(|check| check.name != *name);
        }
    }
    changes
}

/// Changes one check, and describes the change for the log.
pub(crate) fn change(check: &mut Check, overriding: &CheckConfig) -> String {
    check.settings = overriding.settings().or(&check.settings);
    format!("check {} at {} is configured: {}", check.name, check.origin, words(overriding))
}

fn words(overriding: &CheckConfig) -> String {
    let CheckConfig { enabled, critical, fail_after, timeout, ttl, interval, retry, valid_for } =
        overriding;
    let durations = [
        ("timeout", timeout),
        ("ttl", ttl),
        ("interval", interval),
        ("retry", retry),
        ("valid_for", valid_for),
    ];
    let durations = durations.into_iter().filter_map(|(key, duration)| {
        duration.map(|duration| format!("{key} {}", humantime::format_duration(duration)))
    });
    let flags = [("enabled", enabled), ("critical", critical)];
    let flags =
        flags.into_iter().filter_map(|(key, flag)| flag.map(|flag| format!("{key} {flag}")));
    let count = fail_after.map(|failures| format!("fail_after {failures}"));
    flags.chain(count).chain(durations).collect::<Vec<_>>().join(", ")
}
