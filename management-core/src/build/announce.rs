//! The lines that a build logs.

use std::sync::Arc;

use crate::check::kind::CheckKind;
use crate::line::line;
use crate::report::health_group::CustomGroups;
use crate::report::log::{list_names, quote_ambiguous};
use crate::report::registered::RegisteredCheck;

/// What a build has put together.
pub(crate) struct Built<'a> {
    pub(crate) checks: &'a [Arc<RegisteredCheck>],
    pub(crate) groups: &'a CustomGroups,
    /// Whether a check was registered or added, even one that is switched off.
    pub(crate) has_checks: bool,
    pub(crate) has_version_provider: bool,
    pub(crate) info_keys: &'a [&'a str],
    /// Allowed by `info_keys`, but not known to this process.
    pub(crate) unknown_info_keys: &'a [String],
    /// What the configuration changed in single checks, by their names.
    pub(crate) overridden: &'a [(String, String)],
    /// State that no function takes, each with its place.
    pub(crate) untaken_state: &'a [String],
}

pub(crate) fn announce(built: &Built<'_>) {
    for key in built.unknown_info_keys {
        line!(
            WARN,
            [key = key.clone()],
            "`info_keys` allows `{key}`, an attribute that this process does not have"
        );
    }
    registered(built);
    if !built.has_checks && !built.has_version_provider && built.info_keys.is_empty() {
        line!(
            WARN,
            [checks = 0],
            "nothing is registered or added, so health is always UP: add checks with `.check(…)`; if \
             attributes are used, write `use its_crate as _;` for their crate, and remove linker flags that \
             drop registrations, such as `--allow-multiple-definition`",
        );
    }
    for (check, change) in built.overridden {
        line!(INFO, [check = check.clone()], "{change}");
    }
    if !built.untaken_state.is_empty() {
        line!(
            INFO,
            [states = built.untaken_state.len()],
            "no function takes this state: {}",
            list_names(built.untaken_state)
        );
    }
}

/// Lists what is registered, by name: a count would not show that a check has vanished.
fn registered(built: &Built<'_>) {
    let Built { checks, groups, has_version_provider, info_keys, .. } = *built;
    let is_dependency = |check: &&Arc<RegisteredCheck>| check.about.kind == CheckKind::Dependency;
    let (dependencies, others): (Vec<_>, Vec<_>) = checks.iter().partition(is_dependency);
    let names = |checks: &[&Arc<RegisteredCheck>]| -> Vec<String> {
        checks.iter().map(|check| check.name().to_owned()).collect()
    };
    line!(
        INFO,
        [checks = others.len(), dependencies = dependencies.len(), contributors = info_keys.len()],
        "registered {}; {}; {} version provider; {}",
        counted(&names(&others), "check", "checks"),
        counted(&names(&dependencies), "service dependency", "service dependencies"),
        if has_version_provider { "a" } else { "no" },
        counted(info_keys, "info contributor", "info contributors"),
    );
    for check in checks {
        let of_crate =
            check.origin.crate_name().map(|name| format!(" of {name}")).unwrap_or_default();
        line!(
            DEBUG,
            [check = check.name().to_owned(), kind = check.about.kind.as_str()],
            "{} check {} at {}{of_crate}",
            check.about.kind,
            check.name(),
            check.origin
        );
    }
    for group in groups.values() {
        if !group.has_availability() && !checks.iter().any(|check| group.has(check)) {
            line!(
                WARN,
                [group = group.name.to_string()],
                "{group} has no members, so it is always UP"
            );
        }
    }
}

fn counted<T: AsRef<str>>(names: &[T], one: &str, many: &str) -> String {
    let names: Vec<_> = names.iter().map(|name| quote_ambiguous(name.as_ref())).collect();
    match names.len() {
        0 => format!("0 {many}"),
        1 => format!("1 {one}: {}", names[0]),
        count => format!("{count} {many}: {}", list_names(&names)),
    }
}
