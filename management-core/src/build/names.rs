//! The names of checks and of their groups.

use std::collections::HashMap;

use crate::check::kind::CheckKind;
use crate::check::origin::Origin;
use crate::check::{Check, name};
use crate::error::Mistake;
use crate::text;

/// The mistakes in the names of all checks, which are sorted, and in the names of their groups.
pub(crate) fn mistakes(checks: &[Check]) -> Vec<Mistake> {
    let mut mistakes: Vec<_> = checks.windows(2).filter_map(same_name).collect();
    mistakes.extend(checks.iter().flat_map(own_mistakes));
    let mut first_members = HashMap::new();
    for check in checks {
        for group in check.groups.iter().flatten() {
            first_members.entry(group.as_str()).or_insert(check);
        }
    }
    let mut groups: Vec<_> = first_members.into_iter().collect();
    groups.sort_by_key(|&(group, _)| group);
    for (group, member) in groups {
        if let Some(check) = find(checks, group) {
            mistakes.push(group_named_like_check(
                group,
                &member.name,
                &member.origin,
                &check.origin,
            ));
        }
    }
    mistakes
}

/// The mistakes in the name of one check and in the names of its groups, whatever other checks there are.
pub(crate) fn own_mistakes(check: &Check) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    if let Some(complaint) = name::complaint(&check.name) {
        let what = check.kind.unwrap_or(CheckKind::Health).word();
        mistakes.push(invalid_name(what, &check.name, &check.origin, &complaint));
    }
    for group in check.groups.iter().flatten() {
        if let Some(complaint) = name::complaint(group) {
            let what = format!("group of check `{}`", check.name);
            mistakes.push(invalid_name(&what, group, &check.origin, &complaint));
        }
    }
    mistakes
}

/// The check of this name among checks sorted by name.
pub(crate) fn find<'a>(checks: &'a [Check], name: &str) -> Option<&'a Check> {
    let at = checks.binary_search_by(|check| check.name.as_str().cmp(name)).ok()?;
    Some(&checks[at])
}

/// The names of checks, each once, for a message about an unknown one.
pub(crate) fn known(checks: &[Check]) -> Vec<&str> {
    let mut names: Vec<_> = checks.iter().map(|check| check.name.as_str()).collect();
    names.dedup();
    names
}

pub(crate) fn invalid_name(what: &str, name: &str, origin: &Origin, complaint: &str) -> Mistake {
    let name = text::short(name);
    Mistake::invalid(format!(
        "the name {name:?} of the {what} at {origin} {complaint}: choose another"
    ))
}

pub(crate) fn group_named_like_check(
    group: &str,
    member: &str,
    at: &Origin,
    check: &Origin,
) -> Mistake {
    Mistake::name_taken(format!(
        "the group `{group}` of check `{member}` at {at} has the name of the check at {check}: rename \
         one, since both would be `/health/{group}`"
    ))
}

/// `group` is where the program set the group, if it did.
pub(crate) fn check_named_like_group(
    name: &str,
    check: &Origin,
    group: Option<&Origin>,
) -> Mistake {
    let at = group.map(|group| format!(" at {group}")).unwrap_or_default();
    Mistake::name_taken(format!(
        "the check `{name}` at {check} has the name of a group{at}: rename one, since both would be \
         `/health/{name}`"
    ))
}

fn same_name(pair: &[Check]) -> Option<Mistake> {
    let [one, other] = pair else { return None };
    let (name, first, second) = (&one.name, &one.origin, &other.origin);
    if *name != other.name {
        return None;
    }
    let is_dependency = |check: &Check| check.kind == Some(CheckKind::Dependency);
    if is_dependency(one) != is_dependency(other) {
        let (dependency, check) = if is_dependency(one) { (one, other) } else { (other, one) };
        return Some(Mistake::name_taken(format!(
            "the service dependency `{name}` from {} and the check at {} have the same name: rename one",
            dependency.origin, check.origin,
        )));
    }
    let remedy = match (first.crate_name(), second.crate_name()) {
        (one, Some(other)) | (Some(other), one) if one != Some(other) => {
            format!("rename one, or leave one out with `.without(\"{other}/{name}\")`")
        }
        _ => "rename one".into(),
    };
    Some(Mistake::name_taken(format!(
        "two checks are named `{name}`, at {first} and {second}: {remedy}{}",
        first.remedy_in_doc_example(),
    )))
}
