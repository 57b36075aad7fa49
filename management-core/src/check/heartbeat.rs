use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::check::beats::Beats;
use crate::check::health::Health;
use crate::line::milliseconds;
use crate::text::seconds;

/// A sign of life of a loop, such as that of a queue consumer, which liveness can depend on.
///
/// Call [`beat`](Self::beat) at each turn of the loop, and give a clone to
/// [`Check::heartbeat`](crate::Check::heartbeat). Without a beat for the given time, the check is `DOWN`. The time counts
/// from [`new`](Self::new). When every clone was dropped, the loop has ended unexpectedly, and the check is `DOWN` as well,
/// unless [`finish`](Self::finish) was called before.
///
/// Clones are cheap and share everything.
///
/// ```
/// use std::time::Duration;
/// use management_core::{Check, Heartbeat, Management, Status};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), management_core::Error> {
/// let progress = Heartbeat::new(Duration::from_secs(30));
/// let management = Management::builder()
///     .check(Check::heartbeat("consumer", &progress).liveness())
///     .build()?;
///
/// let consumer = tokio::spawn(async move {
///     for _message in 0..3 {
///         progress.beat();
///     }
///     // Without this, liveness would be DOWN once `progress` is dropped.
///     progress.finish();
/// });
/// # consumer.await.expect("it does not panic");
/// assert_eq!(management.liveness().await.status(), Status::Up);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "a heartbeat that is dropped has ended"]
pub struct Heartbeat(Arc<Owner>);

/// What all clones share. Dropping it ends the heartbeat.
struct Owner(Arc<Pulse>);

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.has_ended.store(true, Ordering::Release);
    }
}

/// What the check sees of a heartbeat.
pub(super) struct Pulse {
    limit: Duration,
    began: Instant,
    /// Milliseconds after the beginning; 0 also before the first beat.
    last_beat: AtomicU64,
    beats: AtomicU64,
    is_finished: AtomicBool,
    has_ended: AtomicBool,
}

impl Heartbeat {
    /// A heartbeat that has to beat at least once within each `limit`.
    ///
    /// The limit must not be zero; [`Builder::build`](crate::Builder::build) reports that.
    pub fn new(limit: Duration) -> Self {
        let pulse = Pulse {
            limit,
            began: Instant::now(),
            last_beat: AtomicU64::new(0),
            beats: AtomicU64::new(0),
            is_finished: AtomicBool::new(false),
            has_ended: AtomicBool::new(false),
        };
        Heartbeat(Arc::new(Owner(Arc::new(pulse))))
    }

    /// Records progress.
    ///
    /// It costs a look at the clock and two atomic operations. It takes no lock and allocates nothing.
    pub fn beat(&self) {
        let pulse = &self.0.0;
        pulse.beats.fetch_add(1, Ordering::Relaxed);
        // A thread that was suspended in between does not take the beat of another one back.
        pulse.last_beat.fetch_max(milliseconds(pulse.began.elapsed()), Ordering::AcqRel);
    }

    /// Ends the heartbeat properly, for instance in a shutdown. From now on, the check is `UP`.
    pub fn finish(&self) {
        self.0.0.is_finished.store(true, Ordering::Release);
    }

    pub(super) fn pulse(&self) -> Arc<Pulse> {
        Arc::clone(&self.0.0)
    }

    pub(super) fn limit(&self) -> Duration {
        self.0.0.limit
    }
}

impl Pulse {
    pub(super) fn health(&self) -> Health {
        // Before the time of the last beat, so that a beat in between makes the silence shorter and not negative.
        let elapsed = self.began.elapsed();
        let last_beat = Duration::from_millis(self.last_beat.load(Ordering::Acquire));
        let silence = elapsed.saturating_sub(last_beat);
        let beats = self.beats.load(Ordering::Relaxed);
        // First, since what ends properly is finished before.
        let has_ended = self.has_ended.load(Ordering::Acquire);
        let health = if self.is_finished.load(Ordering::Acquire) {
            Health::up()
        } else if has_ended {
            Health::down("ended")
        } else if silence > self.limit {
            // Otherwise, each request would find another reason to log.
            Health::down(format_args!("no progress for {}", seconds(silence)))
                .logged_as(format!("no progress for more than {}", seconds(self.limit)))
        } else {
            Health::up()
        };
        health.with_beats(Beats::new(beats, self.began + last_beat, self.limit))
    }
}

impl fmt::Debug for Heartbeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pulse = &self.0.0;
        f.debug_struct("Heartbeat")
            .field("limit", &pulse.limit)
            .field("beats", &pulse.beats.load(Ordering::Relaxed))
            .finish_non_exhaustive()
    }
}
