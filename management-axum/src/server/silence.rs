//! Clients that take a place and ask nothing.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::time::Instant;

/// For how long a client that has closed its side of the connection can wait for the next byte of its answer.
///
/// Such a client either waits for the answer, as `nc -N` does, or is gone: both look the same until
/// something is sent to it. This is as long as the usual monitors wait, such as `check_http` and Prometheus.
pub(super) const HALF_CLOSED: Duration = Duration::from_secs(10);

/// What a connection may take for itself.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// How long the head of the first request may take, from the connection's begin to the end of the head.
    pub(crate) first_request: Duration,
    pub(crate) next_request: NextRequest,
    /// How many there are at most. One more takes the place of the one that has been silent the longest.
    pub(crate) connections: Option<usize>,
}

/// How long a request that is not the first may take to come.
#[derive(Clone, Copy)]
pub(crate) enum NextRequest {
    /// As long after the request before it.
    Within(Duration),
    /// It may begin at any time, and its head may take this long from its first byte.
    Head(Duration),
}

/// Since when a connection has had no request.
pub(super) struct Silence {
    limits: Limits,
    begun: Instant,
    /// When the last request came.
    asked: Moment,
    /// When the first byte of a head came whose end has not come yet.
    head: Moment,
    /// When a client that sends nothing any more was last sent something.
    half_closed: Moment,
}

impl Silence {
    pub(super) fn new(limits: Limits) -> Self {
        Silence {
            limits,
            begun: Instant::now(),
            asked: Moment::default(),
            head: Moment::default(),
            half_closed: Moment::default(),
        }
    }

    pub(super) fn since(&self) -> Instant {
        self.asked.get(self.begun).unwrap_or(self.begun)
    }

    /// A request has come.
    pub(super) fn is_broken(&self) {
        // Without a limit between requests, it does not matter when one came.
        if matches!(self.limits.next_request, NextRequest::Within(_)) || self.asked.is_unset() {
            self.asked.set(self.begun);
        }
        self.head.clear();
    }

    /// A part of a head has come.
    pub(super) fn head_grows(&self) {
        if self.head.get(self.begun).is_none() {
            self.head.set(self.begun);
        }
    }

    /// The client sends nothing any more.
    pub(super) fn input_ends(&self) {
        if !self.has_input_ended() {
            self.half_closed.set(self.begun);
        }
    }

    /// The client has been sent something.
    pub(super) fn output_goes_on(&self) {
        if self.has_input_ended() {
            self.half_closed.set(self.begun);
        }
    }

    fn has_input_ended(&self) -> bool {
        self.half_closed.get(self.begun).is_some()
    }

    /// When it has lasted for too long, if nothing happens before.
    pub(super) fn ends(&self, has_request: bool) -> Option<Instant> {
        let limit = match (self.asked.get(self.begun), self.limits.next_request) {
            (None, _) => Some(self.begun + self.limits.first_request),
            (Some(asked), NextRequest::Within(most)) => Some(asked + most),
            (Some(_), NextRequest::Head(_)) if has_request => None,
            (Some(_), NextRequest::Head(most)) => {
                self.head.get(self.begun).map(|begun| begun + most)
            }
        };
        let half_closed = self.half_closed.get(self.begun).map(|sent| sent + HALF_CLOSED);
        limit.into_iter().chain(half_closed).min()
    }
}

/// A moment that may not have come yet: nanoseconds since the connection's begin, plus one.
///
/// It is kept in an atomic so that a request takes no lock.
#[derive(Default)]
struct Moment(AtomicU64);

impl Moment {
    fn get(&self, begun: Instant) -> Option<Instant> {
        let nanos = self.0.load(Relaxed).checked_sub(1)?;
        Some(begun + Duration::from_nanos(nanos))
    }

    /// Now.
    fn set(&self, begun: Instant) {
        let nanos = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX - 1);
        self.0.store(nanos + 1, Relaxed);
    }

    fn is_unset(&self) -> bool {
        self.0.load(Relaxed) == 0
    }

    fn clear(&self) {
        self.0.store(0, Relaxed);
    }
}
