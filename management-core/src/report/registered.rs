//! A check that has been accepted, and what its results set off.

use std::sync::Arc;
use std::time::Duration;

use crate::check::Cascade;
use crate::check::health::Health;
use crate::check::kind::CheckKind;
use crate::check::origin::Origin;
use crate::report::about::About;
use crate::report::component::Component;
use crate::report::log;
use crate::report::news::News;
use crate::report::signals::Signals;
use crate::report::slow::Slow;
use crate::run::plan::{Plan, Schedule};
use crate::run::{Job, Outcome, Runner};

/// A check among the others.
pub(crate) struct RegisteredCheck {
    pub(crate) about: Arc<About>,
    pub(crate) groups: Vec<String>,
    pub(crate) origin: Origin,
    pub(crate) runner: Arc<Runner<Health>>,
    /// A probe reads it, although it is perhaps of a kind that none does.
    is_probed: bool,
    /// Asks a dependency on behalf of readiness, where that is to be done.
    pub(crate) cascade: Option<Probed>,
}

/// What a probe reads of a dependency that it cascades to.
pub(crate) struct Probed {
    pub(crate) about: Arc<About>,
    pub(crate) runner: Arc<Runner<Health>>,
}

impl RegisteredCheck {
    pub(crate) fn new(
        about: About,
        check: Accepted,
        signals: &Arc<Signals>,
        readers: Readers,
    ) -> Self {
        let Accepted { groups, origin, job, mut plan, cascade } = check;
        plan.once = about.kind == CheckKind::Startup;
        let about = Arc::new(about);
        // Nobody waits for a run in the background, and a start is slow once.
        let is_waited_for = matches!(plan.schedule, Schedule::OnDemand { .. }) && !plan.once;
        let Readers { is_probed, is_grouped, probe_budget } = readers;
        let budget = |is_awaited: bool| (is_awaited && is_waited_for).then_some(probe_budget);
        let is_awaited = match &cascade {
            Some(Cascade { own: None }) => true,
            _ => is_probed || is_grouped,
        };
        let runner = runner(&about, job, plan, signals, budget(is_awaited));
        let cascade = cascade.map(|cascade| match cascade.own {
            None => Probed { about: Arc::clone(&about), runner: Arc::clone(&runner) },
            Some((url, job)) => {
                let About { name, kind, critical, .. } = &*about;
                let about =
                    About { name: name.clone(), kind: *kind, critical: *critical, url: Some(url) };
                let about = Arc::new(about);
                let runner = self::runner(&about, job, plan, signals, budget(true));
                Probed { about, runner }
            }
        });
        RegisteredCheck { about, groups, origin, runner, is_probed, cascade }
    }

    /// Every runner there is.
    pub(crate) fn runners(&self) -> impl Iterator<Item = &Arc<Runner<Health>>> {
        let cascade = self.cascade.as_ref().map(|cascade| &cascade.runner);
        let other = cascade.filter(|cascade| !Arc::ptr_eq(cascade, &self.runner));
        std::iter::once(&self.runner).chain(other)
    }

    /// The runner that a probe reads, if one does.
    pub(crate) fn probed(&self) -> Option<&Arc<Runner<Health>>> {
        let cascade = self.cascade.as_ref().map(|cascade| &cascade.runner);
        cascade.or_else(|| self.is_probed.then_some(&self.runner))
    }

    pub(crate) fn name(&self) -> &str {
        &self.about.name
    }
}

/// Who reads the results of a check, and how long they wait for them.
pub(crate) struct Readers {
    /// Whether a probe reads it.
    pub(crate) is_probed: bool,
    /// Whether a group of the service's own reads it.
    pub(crate) is_grouped: bool,
    /// How long a probe or a group waits for a run.
    pub(crate) probe_budget: Duration,
}

/// What a check brings, apart from what is told about it.
pub(crate) struct Accepted {
    pub(crate) groups: Vec<String>,
    pub(crate) origin: Origin,
    pub(crate) job: Job<Health>,
    pub(crate) plan: Plan,
    pub(crate) cascade: Option<Cascade>,
}

fn runner(
    about: &Arc<About>,
    job: Job<Health>,
    plan: Plan,
    signals: &Arc<Signals>,
    budget: Option<Duration>,
) -> Arc<Runner<Health>> {
    let (background, secrets) = (Arc::clone(&signals.background), Arc::clone(&signals.secrets));
    let (about, signals) = (Arc::clone(about), Arc::clone(signals));
    let (news, slow) = (News::default(), Slow::new(budget, "probe budget"));
    let what = format!("{} {}", about.kind.word(), about.name);
    let observer = move |previous: Option<&Outcome<Health>>, outcome: &Arc<Outcome<Health>>| {
        signals.advance();
        let before = previous.map(|previous| previous.value.status());
        log::check(&about, &news, before, &outcome.value);
        // In a drain, nobody waits for it.
        if !signals.background.is_resting() {
            slow.observe("check", &about.name, outcome);
        }
        if signals.results.receiver_count() > 0 {
            // Whoever subscribed may have gone just now, which is nobody's loss.
            drop(signals.results.send(Component::known(&about, outcome, false)));
        }
    };
    Runner::new(what, job, plan, background, secrets, Box::new(observer))
}
