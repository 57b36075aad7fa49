//! A check that can run, and what its results cause.

use std::sync::Arc;
use std::time::Duration;

use crate::check::Cascade;
use crate::check::health::Health;
use crate::check::kind::CheckKind;
use crate::check::origin::Origin;
use crate::report::about::About;
use crate::report::component::Component;
use crate::report::counts::Counts;
use crate::report::log;
use crate::report::logged_reason::LoggedReason;
use crate::report::signals::Signals;
use crate::report::slow::Slow;
use crate::run::plan::{Plan, Schedule};
use crate::run::{Job, Label, Outcome, Runner};

/// A check of a `Management`.
pub(crate) struct RegisteredCheck {
    pub(crate) about: Arc<About>,
    pub(crate) groups: Vec<String>,
    pub(crate) origin: Origin,
    pub(crate) runner: Arc<Runner<Health>>,
    /// What has happened to that runner.
    #[cfg(feature = "_series")]
    pub(crate) counts: Arc<Counts>,
    /// Whether a probe reads it, because of its kind or because a group includes it.
    is_probed: bool,
    /// What readiness reads of a dependency that it asks, too.
    pub(crate) cascade: Option<Probed>,
}

/// What readiness reads of a dependency, which may be at another URL.
pub(crate) struct Probed {
    pub(crate) about: Arc<About>,
    pub(crate) runner: Arc<Runner<Health>>,
}

impl RegisteredCheck {
    pub(crate) fn new(
        about: About,
        check: CheckParts,
        signals: &Arc<Signals>,
        readers: Readers,
    ) -> Self {
        let CheckParts { groups, origin, job, mut plan, cascade } = check;
        plan.once = about.kind == CheckKind::Startup;
        let about = Arc::new(about);
        // An answer never waits for a background run, and a startup check may be slow.
        let is_waited_for = matches!(plan.schedule, Schedule::OnDemand { .. }) && !plan.once;
        let Readers { is_probed, is_grouped, probe_budget } = readers;
        let budget = |is_awaited: bool| (is_awaited && is_waited_for).then_some(probe_budget);
        let is_awaited = match &cascade {
            Some(Cascade { own: None }) => true,
            _ => is_probed || is_grouped,
        };
        let counts = Arc::<Counts>::default();
        let runner = runner(&about, job, plan, signals, budget(is_awaited), Some(&counts));
        let cascade = cascade.map(|cascade| match cascade.own {
            None => Probed { about: Arc::clone(&about), runner: Arc::clone(&runner) },
            Some((url, job)) => {
                let About { name, kind, critical, .. } = &*about;
                let about =
                    About { name: name.clone(), kind: *kind, critical: *critical, url: Some(url) };
                let about = Arc::new(about);
                let runner = self::runner(&about, job, plan, signals, budget(true), None);
                Probed { about, runner }
            }
        });
        RegisteredCheck {
            about,
            groups,
            origin,
            runner,
            #[cfg(feature = "_series")]
            counts,
            is_probed,
            cascade,
        }
    }

    /// Its runner, and that of readiness if it has one of its own.
    pub(crate) fn runners(&self) -> impl Iterator<Item = &Arc<Runner<Health>>> {
        let cascade = self.cascade.as_ref().map(|cascade| &cascade.runner);
        let other = cascade.filter(|cascade| !Arc::ptr_eq(cascade, &self.runner));
        std::iter::once(&self.runner).chain(other)
    }

    /// The runner that a probe reads, if any probe does.
    pub(crate) fn probed(&self) -> Option<&Arc<Runner<Health>>> {
        let cascade = self.cascade.as_ref().map(|cascade| &cascade.runner);
        cascade.or_else(|| self.is_probed.then_some(&self.runner))
    }

    /// Whether each request computes it.
    pub(crate) fn is_instant(&self) -> bool {
        self.runner.is_instant()
    }

    pub(crate) fn name(&self) -> &str {
        &self.about.name
    }
}

/// Which answers contain a check, and how long they wait for it.
pub(crate) struct Readers {
    /// Whether a probe contains it.
    pub(crate) is_probed: bool,
    /// Whether a custom group contains it.
    pub(crate) is_grouped: bool,
    /// How long a probe or a group waits for a run.
    pub(crate) probe_budget: Duration,
}

/// What a check is made of, apart from its [`About`].
pub(crate) struct CheckParts {
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
    counts: Option<&Arc<Counts>>,
) -> Arc<Runner<Health>> {
    let (background, secrets) = (Arc::clone(&signals.background), Arc::clone(&signals.secrets));
    let (about, signals) = (Arc::clone(about), Arc::clone(signals));
    let (logged, slow) = (LoggedReason::default(), Slow::new(budget, "probe budget"));
    let label = Label::Check {
        name: about.name.clone(),
        kind: about.kind.as_str(),
        noun: about.kind.word(),
    };
    let own = label.clone();
    let is_instant = plan.schedule == Schedule::Instant;
    let counts = counts.map(Arc::clone);
    let observer = move |previous: Option<&Outcome<Health>>, outcome: &Arc<Outcome<Health>>| {
        if let Some(counts) = &counts {
            counts.record(&about, previous, outcome, &signals.durations);
        }
        let status = |outcome: &Outcome<Health>| outcome.value.status();
        let is_news = !is_instant || previous.map(status) != Some(status(outcome));
        if is_news {
            signals.advance();
        } else {
            signals.advance_details();
        }
        log::check(&about, &logged, plan.fail_after, previous, outcome);
        if !is_news {
            // A request is no run, and there may be any number of them.
            return;
        }
        // In a drain, no answer waits for it.
        if !signals.background.is_resting() {
            slow.observe(&own, outcome);
        }
        if signals.results.receiver_count() > 0 {
            // It fails if the last subscriber has just gone.
            _ = signals.results.send(Component::known(&about, outcome, false));
        }
    };
    Runner::new(label, job, plan, background, secrets, Box::new(observer))
}
