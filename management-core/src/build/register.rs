//! Checks that come and go while the service runs.

use std::sync::Arc;

use crate::build::builder::Builder;
use crate::build::context::Context;
use crate::build::names;
use crate::check::Check;
use crate::check::state::State;
use crate::config::overrides;
use crate::error::{Error, Mistake, Mistakes};
use crate::line::line;
use crate::management::{Inner, Management};
use crate::report::registered::RegisteredCheck;

impl Management {
    /// A management with everything that attributes registered, and with the defaults for the rest.
    ///
    /// # Errors
    ///
    /// The same as those of [`Builder::build`].
    pub fn new() -> Result<Self, Error> {
        Management::builder().build()
    }

    /// A builder that starts with everything that attributes registered.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// Adds a check at run time.
    ///
    /// The configuration of a check of this name applies; a check that is switched off is not added.
    /// The check's groups are created if they do not exist, and removed when the last check that names
    /// them is [unregistered](Self::unregister).
    ///
    /// # Errors
    ///
    /// The name or a setting of the check is not valid, or a check or a group already has the name.
    pub fn register(&self, check: impl Into<Check>) -> Result<(), Error> {
        let mut check = check.into();
        if let Some(overriding) = self.inner().overrides.get(&check.name) {
            let changed = overrides::change(&mut check, overriding);
            line!(INFO, [check = check.name.clone()], "{changed}");
            if overriding.enabled == Some(false) {
                return Ok(());
            }
        }
        self.add(|checks| register(self.inner(), check, checks))
    }
}

/// Makes a check ready to run beside `checks`.
fn register(
    inner: &Inner,
    new: Check,
    checks: &[Arc<RegisteredCheck>],
) -> Result<RegisteredCheck, Error> {
    let mut mistakes = Mistakes::default();
    mistakes.extend(names::own_mistakes(&new));
    if let Some(check) = checks.iter().find(|check| check.name() == new.name) {
        mistakes.push(Mistake::name_taken(format!(
            "a check named `{}` already exists, from {}: unregister it first",
            new.name, check.origin,
        )));
    }
    if let Some(group) = inner.groups.custom().get(&new.name) {
        mistakes.push(match checks.iter().find(|check| check.groups.contains(&new.name)) {
            Some(check) => {
                let (member, at) = (check.name(), &check.origin);
                names::group_named_like_check(&new.name, member, at, &new.origin)
            }
            None => names::check_named_like_group(&new.name, &new.origin, group.origin()),
        });
    }
    for group in new.groups.iter().flatten() {
        let named_like = checks.iter().find(|check| check.name() == group);
        let own = (*group == new.name).then_some(&new.origin);
        if let Some(at) = named_like.map(|check| &check.origin).or(own) {
            mistakes.push(names::group_named_like_check(group, &new.name, &new.origin, at));
        }
    }
    let mut context = Context {
        // A check that is added at run time has its state in its closure.
        state: &State::default(),
        defaults: &inner.defaults,
        signals: &inner.signals,
        groups: &inner.groups,
        mistakes,
    };
    let check = context.check(new);
    context.mistakes.into_result()?;
    Ok(check.expect("a check without mistakes can be registered"))
}
