//! Connections without a request, and how long they may stay.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::time::Instant;

/// How long a client that has closed its sending side may wait for the next byte of its answer.
///
/// Such a client either waits for the answer, as `nc -N` does, or is gone. Both look the same until bytes are sent.
/// Usual monitors, such as `check_http` and Prometheus, wait this long.
pub(super) const HALF_CLOSED_TIMEOUT: Duration = Duration::from_secs(10);

/// The limits of connections.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// How long the head of the first request may take, from the beginning of the connection.
    pub(crate) first_request: Duration,
    pub(crate) next_request: NextRequest,
    /// The maximum number. One more replaces the connection that has been silent the longest.
    pub(crate) connections: Option<usize>,
}

/// How long later requests may take to arrive.
#[derive(Clone, Copy)]
pub(crate) enum NextRequest {
    /// This long after the previous request.
    Within(Duration),
    /// At any time, but the head may take only this long from its first byte.
    Head(Duration),
}

/// How long a connection has been idle, and when that is too long.
pub(super) struct IdleTimer {
    limits: Limits,
    begun: Instant,
    /// When the last request arrived.
    last_request: Moment,
    /// When the first byte of an incomplete head arrived.
    head: Moment,
    /// When bytes were last sent to a client that has closed its sending side.
    half_closed: Moment,
}

impl IdleTimer {
    pub(super) fn new(limits: Limits) -> Self {
        IdleTimer {
            limits,
            begun: Instant::now(),
            last_request: Moment::default(),
            head: Moment::default(),
            half_closed: Moment::default(),
        }
    }

    /// Since when it is idle.
    pub(super) fn since(&self) -> Instant {
        self.last_request.get(self.begun).unwrap_or(self.begun)
    }

    /// Records a request.
    pub(super) fn request_arrived(&self) {
        // Without a limit between requests, the time of later requests does not matter.
        if matches!(self.limits.next_request, NextRequest::Within(_))
            || self.last_request.is_unset()
        {
            self.last_request.set(self.begun);
        }
        self.head.clear();
    }

    /// Records a part of a head.
    pub(super) fn head_arrives(&self) {
        if self.head.get(self.begun).is_none() {
            self.head.set(self.begun);
        }
    }

    /// Records that the client has closed its sending side.
    pub(super) fn input_closed(&self) {
        if !self.is_input_closed() {
            self.half_closed.set(self.begun);
        }
    }

    /// Records bytes sent to the client.
    pub(super) fn output_sent(&self) {
        if self.is_input_closed() {
            self.half_closed.set(self.begun);
        }
    }

    fn is_input_closed(&self) -> bool {
        self.half_closed.get(self.begun).is_some()
    }

    /// When the connection is to be closed, if nothing happens until then.
    pub(super) fn deadline(&self, has_request: bool) -> Option<Instant> {
        let limit = match (self.last_request.get(self.begun), self.limits.next_request) {
            (None, _) => Some(self.begun + self.limits.first_request),
            (Some(last), NextRequest::Within(limit)) => Some(last + limit),
            (Some(_), NextRequest::Head(_)) if has_request => None,
            (Some(_), NextRequest::Head(limit)) => {
                self.head.get(self.begun).map(|begun| begun + limit)
            }
        };
        let half_closed = self.half_closed.get(self.begun).map(|sent| sent + HALF_CLOSED_TIMEOUT);
        limit.into_iter().chain(half_closed).min()
    }
}

/// An optional time: nanoseconds since the beginning of the connection, plus one.
///
/// An atomic, so that a request takes no lock.
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
