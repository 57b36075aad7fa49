//! Whether what is set for groups can be.

use crate::check::name::{self, AVAILABILITY};
use crate::check::{Check, Kind};
use crate::config::Config;
use crate::config::exposure::Codes;
use crate::config::group::Group;
use crate::config::overrides::some_of;
use crate::error::Mistake;
use crate::report::scope::Question;
use crate::text;

/// Judges every group by the checks there are, sorted by name, those that are switched off among them.
pub(crate) fn judge(config: &Config, checks: &[Check], mistakes: &mut Vec<Mistake>) {
    for (name, group) in &config.groups {
        let mut complain = |complaint: &str| {
            mistakes.push(Mistake::group(name, group.origin.as_ref(), complaint));
        };
        let probe = Question::probe(name);
        if name == Question::Health.name() {
            complain(
                "would be everything: set `show_details` and `status_codes` of the whole, or choose another \
                 name",
            );
        } else if let Some(complaint) = name::complaint(name).filter(|_| probe.is_none()) {
            complain(&format!("has a name that {complaint}: choose another"));
        }
        for (&status, &code) in &group.status_codes {
            if let Err(complaint) = Codes::new().set(status, code) {
                complain(&complaint);
            }
        }
        let cannot_be =
            |member: &&String| *member != AVAILABILITY && name::complaint(member).is_some();
        for member in group.optional.iter().filter(cannot_be) {
            complain(&format!("has `{}`, which no check can be called", told(member)));
        }
        if let Some(check) = find(checks, name) {
            let origin = group.origin.as_ref();
            mistakes.push(Mistake::check_named_like_group(name, &check.origin, origin));
        }
        members(name, group, config, checks, mistakes);
        if let Some(probe) = probe {
            dependencies(probe, group, checks, mistakes);
        }
        if probe == Some(Question::Startup) {
            never_again(group, checks, mistakes);
        }
    }
}

/// Looks for the members that have to be there.
fn members(
    name: &str,
    group: &Group,
    config: &Config,
    checks: &[Check],
    mistakes: &mut Vec<Mistake>,
) {
    // Of a dependency that cannot be asked, that has been told.
    let is_there = |member: &str| {
        member == AVAILABILITY
            || find(checks, member).is_some()
            || config.service_dependencies.contains_key(member)
    };
    let included = group.include.iter().map(|member| (member, "includes"));
    let excluded = group.exclude.iter().map(|member| (member, "excludes"));
    for (member, does) in included.chain(excluded).filter(|(member, _)| !is_there(member)) {
        let remedy = match does {
            "includes" => "; `optional` takes one that may not be there",
            _ => "",
        };
        let there = some_of(checks);
        let complaint = format!(
            "{does} `{}`, and there is no such check: there are {there}{remedy}",
            told(member)
        );
        mistakes.push(Mistake::absent_member(name, group.origin.as_ref(), &complaint));
    }
}

/// A probe that asked other services would fail with them.
fn dependencies(probe: Question, group: &Group, checks: &[Check], mistakes: &mut Vec<Mistake>) {
    for member in group.include.union(&group.optional) {
        let dependency = find(checks, member).filter(|check| check.kind == Some(Kind::Dependency));
        let cascades = |check: &&Check| probe == Question::Readiness && check.cascade.is_some();
        let Some(dependency) = dependency.filter(|check| !cascades(check)) else { continue };
        let why = match probe {
            Question::Readiness => {
                "`cascade` lets readiness ask it, where it can answer nothing without it"
            }
            Question::Startup => {
                "services that start together would wait for each other for ever; name it in a group of \
                 another name"
            }
            Question::Liveness | Question::Health => {
                "a dependency that fails would restart this service, which mends nothing; name it in a \
                 group of another name"
            }
        };
        let complaint =
            format!("includes `{}`, which is a service dependency: {why}", dependency.name);
        mistakes.push(Mistake::group(probe.name(), group.origin.as_ref(), &complaint));
    }
}

/// A check that is no startup check is never done, and would stop what has started.
fn never_again(group: &Group, checks: &[Check], mistakes: &mut Vec<Mistake>) {
    for member in group.include.union(&group.optional) {
        let other = find(checks, member)
            .filter(|check| !matches!(check.kind, Some(Kind::Startup | Kind::Dependency)));
        if let Some(check) = other {
            let complaint = format!(
                "includes `{}`, which is no startup check: make it one, since startup asks each until its \
                 first success",
                check.name,
            );
            let startup = Question::Startup.name();
            mistakes.push(Mistake::group(startup, group.origin.as_ref(), &complaint));
        }
    }
}

fn find<'a>(checks: &'a [Check], name: &str) -> Option<&'a Check> {
    let at = checks.binary_search_by(|check| check.name.as_str().cmp(name)).ok()?;
    Some(&checks[at])
}

/// A name in a message, which has no room for a long one.
fn told(name: &str) -> String {
    text::short(name).escape_debug().collect()
}
