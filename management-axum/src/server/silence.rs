//! Clients that take a place and ask nothing.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// What a connection may take for itself.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// For how long it may be there before its first request.
    pub(crate) first_request: Duration,
    /// For how long it may be there after each request, before the next one.
    pub(crate) next_request: Duration,
    /// How many there are at most. One more takes the place of the one that has been silent the longest.
    pub(crate) connections: usize,
}

/// Since when a connection has had no request.
pub(super) struct Silence {
    limits: Limits,
    heard: Mutex<Heard>,
}

#[derive(Clone, Copy)]
struct Heard {
    at: Instant,
    has_request: bool,
}

impl Silence {
    pub(super) fn new(limits: Limits) -> Self {
        let heard = Heard { at: Instant::now(), has_request: false };
        Silence { limits, heard: Mutex::new(heard) }
    }

    fn heard(&self) -> Heard {
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn since(&self) -> Instant {
        self.heard().at
    }

    fn ends(&self) -> Instant {
        let Heard { at, has_request } = self.heard();
        at + if has_request { self.limits.next_request } else { self.limits.first_request }
    }

    pub(super) fn is_broken(&self) {
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) =
            Heard { at: Instant::now(), has_request: true };
    }

    /// Ready when it has lasted for too long.
    pub(super) async fn too_long(&self) {
        loop {
            let ends = self.ends();
            if ends <= Instant::now() {
                return;
            }
            sleep_until(ends).await;
        }
    }
}
