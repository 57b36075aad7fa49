//! What has happened to a check since it was registered, in numbers.

use std::sync::atomic::{AtomicU64, Ordering};
#[cfg(feature = "_series")]
use std::time::Duration;
use std::time::SystemTime;

use crate::check::health::Health;
use crate::check::status::Status;
use crate::report::about::About;
use crate::report::durations::{BOUNDS, Durations};
use crate::run::{End, Outcome};

/// What has happened to a check. Every number only grows, except the time of the last run.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// By [`RunOutcome`].
    runs: [AtomicU64; RunOutcome::ALL.len()],
    /// By the status that is new.
    transitions: [AtomicU64; Status::ALL.len()],
    /// Milliseconds since 1970; 0 if there was no run.
    last_run: AtomicU64,
    /// The number of runs in each bucket; the last one has no upper bound.
    durations: [AtomicU64; BOUNDS.len() + 1],
    /// Nanoseconds.
    duration_sum: AtomicU64,
}

/// What a run came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum RunOutcome {
    /// `UP` or `DEGRADED`.
    Ok,
    /// A failure, or no run at all because an earlier one has not returned.
    Error,
    Timeout,
    Panic,
}

impl RunOutcome {
    pub(crate) const ALL: [RunOutcome; 4] =
        [RunOutcome::Ok, RunOutcome::Error, RunOutcome::Timeout, RunOutcome::Panic];

    /// The value of the label `outcome`.
    #[cfg(feature = "_series")]
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            RunOutcome::Ok => "ok",
            RunOutcome::Error => "error",
            RunOutcome::Timeout => "timeout",
            RunOutcome::Panic => "panic",
        }
    }

    fn of(end: End, has_failed: bool) -> Self {
        match end {
            End::TimedOut => RunOutcome::Timeout,
            End::Panicked => RunOutcome::Panic,
            End::NotStarted => RunOutcome::Error,
            End::Returned if has_failed => RunOutcome::Error,
            End::Returned => RunOutcome::Ok,
        }
    }
}

impl Counts {
    /// Counts an outcome. The first result of a check is no transition.
    pub(crate) fn record(
        &self,
        about: &About,
        previous: Option<&Outcome<Health>>,
        outcome: &Outcome<Health>,
        instruments: &Durations,
    ) {
        let status = outcome.value.status();
        if previous.is_some_and(|previous| previous.value.status() != status) {
            add(&self.transitions[status as usize], 1);
        }
        let Some(ran) = outcome.ran else { return };
        let what = RunOutcome::of(ran.end, outcome.has_failed());
        add(&self.runs[what as usize], 1);
        if ran.end == End::NotStarted {
            return;
        }
        self.last_run.store(millis_since_1970(ran.at), Ordering::Relaxed);
        let seconds = ran.duration.as_secs_f64();
        add(&self.durations[BOUNDS.partition_point(|bound| *bound < seconds)], 1);
        let nanos = u64::try_from(ran.duration.as_nanos()).unwrap_or(u64::MAX);
        add(&self.duration_sum, nanos);
        instruments.record(&about.name, seconds);
    }
}

#[cfg(feature = "_series")]
impl Counts {
    pub(crate) fn runs(&self, outcome: RunOutcome) -> u64 {
        self.runs[outcome as usize].load(Ordering::Relaxed)
    }

    /// How often the result has changed to this status.
    pub(crate) fn transitions(&self, to: Status) -> u64 {
        self.transitions[to as usize].load(Ordering::Relaxed)
    }

    /// The end of the last run, since 1970.
    pub(crate) fn last_run(&self) -> Option<Duration> {
        let millis = self.last_run.load(Ordering::Relaxed);
        (millis > 0).then(|| Duration::from_millis(millis))
    }

    /// The number of runs in each bucket, and the sum of their durations.
    pub(crate) fn durations(&self) -> ([u64; BOUNDS.len() + 1], Duration) {
        let buckets = self.durations.each_ref().map(|bucket| bucket.load(Ordering::Relaxed));
        (buckets, Duration::from_nanos(self.duration_sum.load(Ordering::Relaxed)))
    }
}

fn add(count: &AtomicU64, more: u64) {
    count.fetch_add(more, Ordering::Relaxed);
}

fn millis_since_1970(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
