//! From a check or a provider to one that can run, or to the mistakes in it.

use std::sync::Arc;

use crate::check::kind::CheckKind;
use crate::check::origin::Origin;
use crate::check::provided::Provided;
use crate::check::settings::Settings;
use crate::check::state::{Bind, State};
use crate::check::{Check, Work};
use crate::error::{Mistake, Mistakes};
use crate::info::provider::Provider;
use crate::report::about::About;
use crate::report::health_group::HealthGroups;
use crate::report::registered::{CheckParts, RegisteredCheck};
use crate::report::signals::Signals;
use crate::run::Job;
use crate::text;

/// What checks and providers need to become ones that can run, and the mistakes found on the way.
pub(crate) struct Context<'a> {
    pub(crate) state: &'a State,
    pub(crate) defaults: &'a Settings,
    pub(crate) signals: &'a Arc<Signals>,
    pub(crate) groups: &'a HealthGroups,
    pub(crate) mistakes: Mistakes,
}

impl Context<'_> {
    /// A check whose name is valid, with its state and its settings.
    pub(crate) fn check(&mut self, check: Check) -> Option<RegisteredCheck> {
        let is_instant = check.is_instant();
        let Check { name, kind, settings, groups, origin, work, mut url, mut cascade, complaints } =
            check;
        let cascaded = cascade.iter_mut().filter_map(|cascade| cascade.own.as_mut());
        for url in url.iter_mut().chain(cascaded.map(|(url, _)| url)) {
            text::mask_added(&self.signals.secrets, url);
        }
        let kind = kind.unwrap_or(CheckKind::Health);
        let job = match work {
            Work::Job(job) => job,
            Work::Bind(bind) => self.bind(&format!("check `{name}`"), &origin, bind),
        };
        let own = settings;
        let settings = settings.or_defaults(self.defaults).or(&kind.defaults());
        let plan = if is_instant { own.instant_plan() } else { settings.plan() };
        let plan = match plan {
            Ok(plan) if complaints.is_empty() => plan,
            plan => {
                let mut complaints = complaints;
                complaints.splice(..0, plan.err().unwrap_or_default());
                let what = format!("{} `{name}`", kind.word());
                self.complain(&what, &origin, complaints);
                return None;
            }
        };
        let groups = groups.unwrap_or_default();
        let readers = self.groups.readers(&name, kind, &groups);
        let about = About { name, kind, critical: settings.critical.unwrap_or(true), url };
        let parts = CheckParts { groups, origin, job, plan, cascade };
        Some(RegisteredCheck::new(about, parts, self.signals, readers))
    }

    /// A provider with its settings.
    pub(crate) fn provider<T>(
        &mut self,
        what: &str,
        origin: &Origin,
        job: Job<Provided<T>>,
        settings: &Settings,
    ) -> Option<Provider<T>> {
        match settings.or_defaults(self.defaults).plan() {
            Ok(plan) => Some(Provider { job, plan }),
            Err(complaints) => {
                self.complain(what, origin, complaints);
                None
            }
        }
    }

    /// The function of an attribute with its state. State that is missing is a mistake.
    pub(crate) fn bind<V>(
        &mut self,
        what: &str,
        origin: &Origin,
        bind: fn(&mut Bind<'_>) -> Job<V>,
    ) -> Job<V> {
        let mut found = Bind::new(self.state);
        let job = bind(&mut found);
        let missing = |ty: &&str| self.state.missing(what, origin, ty);
        self.mistakes.extend(found.missing.iter().map(missing));
        job
    }

    fn complain(&mut self, what: &str, origin: &Origin, complaints: Vec<String>) {
        let mistake = |why| Mistake::invalid(format!("{what} at {origin}: {why}"));
        self.mistakes.extend(complaints.into_iter().map(mistake));
    }
}
