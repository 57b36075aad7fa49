//! What configuration changes in single checks, without a build.

use crate::check::Check;
use crate::config::{CheckConfig, Config};
use crate::error::Mistake;

/// Changes checks, takes away those that are switched off, and tells in words what was done.
pub(crate) fn apply(
    checks: &mut Vec<Check>,
    config: &Config,
    mistakes: &mut Vec<Mistake>,
) -> Vec<String> {
    let mut told = Vec::new();
    for (name, overriding) in &config.checks {
        let Some(check) = checks.iter_mut().find(|check| check.name == *name) else {
            // Of a dependency that cannot be asked, that has been told.
            if config.service_dependencies.contains_key(name) {
                continue;
            }
            mistakes.push(Mistake::absent_override(name, &some_of(checks)));
            continue;
        };
        if *overriding == CheckConfig::default() {
            continue;
        }
        told.push(change(check, overriding));
        if overriding.enabled == Some(false) {
            checks.retain(|check| check.name != *name);
        }
    }
    told
}

/// Changes one check, and tells in words what was done.
pub(crate) fn change(check: &mut Check, overriding: &CheckConfig) -> String {
    check.settings = overriding.settings().or(&check.settings);
    format!("check {} at {} is configured: {}", check.name, check.origin, words(overriding))
}

fn words(overriding: &CheckConfig) -> String {
    let CheckConfig { enabled, critical, timeout, ttl, interval, valid_for } = overriding;
    let durations =
        [("timeout", timeout), ("ttl", ttl), ("interval", interval), ("valid_for", valid_for)];
    let durations = durations.into_iter().filter_map(|(key, duration)| {
        duration.map(|duration| format!("{key} {}", humantime::format_duration(duration)))
    });
    let flags = [("enabled", enabled), ("critical", critical)];
    let flags =
        flags.into_iter().filter_map(|(key, flag)| flag.map(|flag| format!("{key} {flag}")));
    flags.chain(durations).collect::<Vec<_>>().join(", ")
}

/// The names of checks in a message, which has no room for thousands.
pub(crate) fn some_of(checks: &[Check]) -> String {
    const ENOUGH: usize = 10;
    let mut names: Vec<_> = checks.iter().map(|check| format!("`{}`", check.name)).collect();
    names.dedup();
    let count = names.len();
    names.truncate(ENOUGH);
    match count {
        0 => "no checks".into(),
        count if count > ENOUGH => format!("{} and {} more", names.join(", "), count - ENOUGH),
        _ => names.join(", "),
    }
}
