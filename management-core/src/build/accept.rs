//! From what was registered or given to what runs, or to the mistakes in it.

use std::collections::HashMap;
use std::sync::Arc;

use crate::check::name;
use crate::check::origin::Origin;
use crate::check::provided::Provided;
use crate::check::settings::Settings;
use crate::check::state::{Bind, State};
use crate::check::{Check, Kind, Work};
use crate::error::{Error, Mistake, refuse};
use crate::info::provider::Provider;
use crate::management::Inner;
use crate::report::about::About;
use crate::report::scope::Scopes;
use crate::report::signals::Signals;
use crate::report::slot::{Accepted, Slot};
use crate::run::Job;
use crate::text;

/// The names of all checks, which are sorted, and of their groups.
pub(crate) fn names(checks: &[Check], mistakes: &mut Vec<Mistake>) {
    for pair in checks.windows(2) {
        if let [one, other] = pair
            && one.name == other.name
        {
            mistakes.push(Mistake::same_name(one, other));
        }
    }
    for check in checks {
        own_names(check, mistakes);
    }
    let mut seen = HashMap::new();
    for check in checks {
        for group in check.groups.iter().flatten() {
            seen.entry(group.as_str()).or_insert(check);
        }
    }
    let mut groups: Vec<_> = seen.into_iter().collect();
    groups.sort_by_key(|&(group, _)| group);
    for (group, member) in groups {
        if let Ok(at) = checks.binary_search_by(|check| check.name.as_str().cmp(group)) {
            let at = &checks[at].origin;
            mistakes.push(Mistake::group_named_like_check(group, &member.name, &member.origin, at));
        }
    }
}

fn own_names(check: &Check, mistakes: &mut Vec<Mistake>) {
    if let Some(complaint) = name::complaint(&check.name) {
        let what = check.kind.unwrap_or(Kind::Health).word();
        mistakes.push(Mistake::name(what, &check.name, &check.origin, &complaint));
    }
    for group in check.groups.iter().flatten() {
        if let Some(complaint) = name::complaint(group) {
            let what = format!("group of check `{}`", check.name);
            mistakes.push(Mistake::name(&what, group, &check.origin, &complaint));
        }
    }
}

/// A check whose name is good, with its state and its settings.
pub(crate) fn check(
    check: Check,
    state: &State,
    defaults: &Settings,
    signals: &Arc<Signals>,
    scopes: &Scopes,
    mistakes: &mut Vec<Mistake>,
) -> Option<Slot> {
    let Check { name, kind, settings, groups, origin, work, mut url, mut cascade } = check;
    let cascaded = cascade.iter_mut().filter_map(|cascade| cascade.own.as_mut());
    for url in url.iter_mut().chain(cascaded.map(|(url, _)| url)) {
        text::mask_added(&signals.secrets, url);
    }
    let kind = kind.unwrap_or(Kind::Health);
    let job = match work {
        Work::Job(job) => job,
        Work::Bind(bind) => bound(&format!("check `{name}`"), &origin, bind, state, mistakes),
    };
    let settings = settings.or(defaults).or(&kind.defaults());
    let plan = match settings.plan() {
        Ok(plan) => plan,
        Err(complaints) => {
            mistakes.extend(
                complaints.iter().map(|why| Mistake::settings(kind.word(), &name, &origin, why)),
            );
            return None;
        }
    };
    let about = About { name, kind, critical: settings.critical.unwrap_or(true), url };
    let groups = groups.unwrap_or_default();
    let accepted = Accepted { groups, origin, job, plan, cascade };
    Some(Slot::new(about, accepted, signals, scopes))
}

/// A function of an attribute with its state; what is missing is a mistake.
pub(crate) fn bound<V>(
    what: &str,
    origin: &Origin,
    bind: fn(&mut Bind<'_>) -> Job<V>,
    state: &State,
    mistakes: &mut Vec<Mistake>,
) -> Job<V> {
    let mut found = Bind::new(state);
    let job = bind(&mut found);
    let missing = |ty: &&str| Mistake::missing_state(what, origin, ty, &state.told());
    mistakes.extend(found.missing.iter().map(missing));
    job
}

/// A provider with its settings.
pub(crate) fn provider<T>(
    what: &str,
    origin: Origin,
    job: Job<Provided<T>>,
    settings: &Settings,
    defaults: &Settings,
    mistakes: &mut Vec<Mistake>,
) -> Option<Provider<T>> {
    match settings.or(defaults).plan() {
        Ok(plan) => Some(Provider { job, plan }),
        Err(complaints) => {
            let complaint = |why| Mistake::invalid(format!("{what} at {origin}: {why}"));
            mistakes.extend(complaints.into_iter().map(complaint));
            None
        }
    }
}

impl Inner {
    /// A check that comes at run time, beside those that are there.
    pub(crate) fn accept(&self, new: Check, slots: &[Arc<Slot>]) -> Result<Slot, Error> {
        let mut mistakes = Vec::new();
        own_names(&new, &mut mistakes);
        if let Some(slot) = slots.iter().find(|slot| slot.name() == new.name) {
            mistakes.push(Mistake::name_taken(&new.name, &slot.origin));
        }
        if let Some(group) = self.scopes.groups().get(&new.name) {
            mistakes.push(match slots.iter().find(|slot| slot.groups.contains(&new.name)) {
                Some(slot) => {
                    let (member, at) = (slot.name(), &slot.origin);
                    Mistake::group_named_like_check(&new.name, member, at, &new.origin)
                }
                None => Mistake::check_named_like_group(&new.name, &new.origin, group.origin()),
            });
        }
        for group in new.groups.iter().flatten() {
            let named_like = slots.iter().find(|slot| slot.name() == group);
            let own = (*group == new.name).then_some(&new.origin);
            if let Some(at) = named_like.map(|slot| &slot.origin).or(own) {
                mistakes.push(Mistake::group_named_like_check(group, &new.name, &new.origin, at));
            }
        }
        // A check that comes at run time brings its state in its closure.
        let state = State::default();
        let accepted =
            check(new, &state, &self.defaults, &self.signals, &self.scopes, &mut mistakes);
        refuse(mistakes)?;
        Ok(accepted.expect("a check without mistakes is accepted"))
    }
}
