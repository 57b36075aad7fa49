//! From the results of many checks to one answer.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::check::health::Health;
use crate::check::kind::CheckKind;
use crate::check::name::{AVAILABILITY, RUNTIME};
use crate::report::availability::Availability;
use crate::report::component::Component;
use crate::report::health_group::HealthGroup;
use crate::report::health_report::HealthReport;
use crate::report::registered::RegisteredCheck;
use crate::report::runtime_lag::RuntimeLag;
use crate::run::{Asked, Reading, give_way};

/// The checks that an answer leaves out.
#[derive(Clone, Debug, Default)]
pub(crate) struct LeftOut {
    /// By name.
    pub(crate) names: BTreeSet<String>,
    /// Whether service dependencies are left out, because another service asks.
    pub(crate) dependencies: bool,
}

impl LeftOut {
    pub(crate) fn has(&self, check: &RegisteredCheck) -> bool {
        self.dependencies && check.about.kind == CheckKind::Dependency
            || self.names.contains(check.name())
    }
}

/// Checks that were asked all at once. Some may still be running.
pub(crate) struct Pending {
    group: Arc<HealthGroup>,
    /// Unless the request leaves it out.
    availability: Option<Availability>,
    /// Unless the request leaves it out.
    runtime_lag: Option<Arc<RuntimeLag>>,
    asked: Vec<(Arc<RegisteredCheck>, Asked<Health>)>,
    at: Instant,
    /// How long the answer waits.
    budget: Duration,
}

/// A report, and how long it can be reused.
pub(crate) struct Answered {
    pub(crate) report: HealthReport,
    /// `None` is for ever.
    pub(crate) until: Option<Instant>,
}

impl Pending {
    /// Asks every check of the group that is not left out. `are_computed` is whether its instant checks need not be
    /// computed again.
    pub(crate) fn ask(
        checks: &[Arc<RegisteredCheck>],
        availability: &Availability,
        runtime_lag: &Arc<RuntimeLag>,
        group: &Arc<HealthGroup>,
        left_out: &LeftOut,
        are_computed: bool,
    ) -> Self {
        let wanted = checks.iter().filter(|check| group.has(check) && !left_out.has(check));
        let is_asked = |name| !left_out.names.contains(name);
        let availability = is_asked(AVAILABILITY).then(|| availability.clone());
        let runtime_lag = is_asked(RUNTIME).then(|| Arc::clone(runtime_lag));
        Pending { availability, runtime_lag, ..Pending::ask_all(wanted, group, are_computed) }
    }

    /// Asks one check as a member of the group.
    pub(crate) fn ask_one(check: &Arc<RegisteredCheck>, group: &Arc<HealthGroup>) -> Self {
        Pending::ask_all(std::iter::once(check), group, false)
    }

    fn ask_all<'a>(
        checks: impl Iterator<Item = &'a Arc<RegisteredCheck>>,
        group: &Arc<HealthGroup>,
        are_computed: bool,
    ) -> Self {
        let at = Instant::now();
        let mut asked = Vec::with_capacity(checks.size_hint().1.unwrap_or_default());
        asked.extend(checks.map(|check| {
            let runner = group.runner(check);
            let computed = if are_computed { runner.computed() } else { None };
            (Arc::clone(check), computed.unwrap_or_else(|| runner.ask(at)))
        }));
        let (group, budget) = (Arc::clone(group), group.budget);
        Pending { group, availability: None, runtime_lag: None, asked, at, budget }
    }

    /// Waits for at most so long.
    #[cfg(all(feature = "systemd", unix))]
    pub(crate) fn within(mut self, budget: Duration) -> Self {
        self.budget = self.budget.min(budget);
        self
    }

    /// The answer, once there is one.
    pub(crate) async fn answer(self) -> Answered {
        match self.now() {
            Ok(answered) => answered,
            Err(pending) => pending.wait().await,
        }
    }

    /// The answer, if no check has to be waited for.
    pub(crate) fn now(self) -> Result<Answered, Self> {
        if self.asked.iter().any(|(_, asked)| matches!(asked, Asked::Running(_))) {
            return Err(self);
        }
        let known = self.asked.into_iter().filter_map(|(check, asked)| match asked {
            Asked::Known(reading) => Some((check, reading)),
            Asked::Running(_) => None,
        });
        Ok(fold(&self.group, self.availability.as_ref(), self.runtime_lag.as_deref(), known))
    }

    /// Waits until every run has ended, the budget is spent, or a drain decides the answer.
    pub(crate) async fn wait(self) -> Answered {
        // Quick checks have ended when this task is polled again, so no timer has to be set.
        give_way().await;
        let Pending { group, availability, runtime_lag, asked, at, budget } = self;
        let decided_by = availability.as_ref().filter(|_| group.is_decided_by_drain());
        let mut known = Vec::with_capacity(asked.len());
        // One after the other: the checks run all at once, and share one budget.
        for (check, asked) in asked {
            let runner = group.runner(&check);
            let reading = match asked {
                Asked::Known(reading) => reading,
                Asked::Running(run) => match (runner.ended(run), decided_by) {
                    (Some(reading), _) => reading,
                    (None, Some(availability)) => {
                        let mut drain = Drain::of(availability);
                        let waited = drain.cut_short(runner.wait(run, at, budget)).await;
                        waited.unwrap_or_else(|| runner.without_waiting(run))
                    }
                    (None, None) => runner.wait(run, at, budget).await,
                },
            };
            known.push((check, reading));
        }
        fold(&group, availability.as_ref(), runtime_lag.as_deref(), known.into_iter())
    }
}

/// A drain, which may not have begun.
struct Drain {
    stop_at: watch::Receiver<Option<Instant>>,
}

impl Drain {
    fn of(availability: &Availability) -> Self {
        Drain { stop_at: availability.stop_at() }
    }

    /// The output of the future, unless a drain begins first.
    async fn cut_short<F: Future>(&mut self, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        let mut begins = pin!(self.stop_at.wait_for(Option::is_some));
        poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            // The caller keeps the sender alive, so only a drain ends this.
            Poll::Pending => begins.as_mut().poll(cx).map(|_| None),
        })
        .await
    }
}

fn fold(
    group: &HealthGroup,
    availability: Option<&Availability>,
    runtime_lag: Option<&RuntimeLag>,
    known: impl Iterator<Item = (Arc<RegisteredCheck>, Reading<Health>)>,
) -> Answered {
    let mut until: Option<Instant> = None;
    let mut components: Vec<_> = known
        .map(|(check, reading)| {
            until = match (until, reading.until) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
            Component::new(group.about(&check), reading)
        })
        .collect();
    let availability =
        availability.and_then(|availability| group.availability_component(availability));
    let runtime = runtime_lag.and_then(|lag| group.runtime_component(lag));
    for own in availability.into_iter().chain(runtime) {
        let at = components.partition_point(|component| component.name() < own.name());
        components.insert(at, own);
    }
    Answered { report: HealthReport::new(components), until }
}
