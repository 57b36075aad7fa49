//! What happens on a connection, as those need to know who may end it.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use axum::http::Version;
use hyper::body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::silence::{Limits, Silence};

/// What has become of the connections of a server since it stops.
#[derive(Default)]
pub(super) struct Ledger {
    is_stopping: AtomicBool,
    /// When the last request was answered.
    answered: Mutex<Option<Instant>>,
    /// How many connections were cut with a request in flight.
    pub(super) cut: AtomicUsize,
}

impl Ledger {
    pub(super) fn stop(&self) {
        self.is_stopping.store(true, Relaxed);
    }

    pub(super) fn is_answered(&self) {
        if self.is_stopping.load(Relaxed) {
            *lock(&self.answered) = Some(Instant::now());
        }
    }

    pub(super) fn last_answer(&self) -> Option<Instant> {
        *lock(&self.answered)
    }
}

/// What happens on a connection.
pub(super) struct Activity {
    pub(super) silence: Silence,
    pub(super) ledger: Arc<Ledger>,
    /// How many requests have come whose answers have not been handed over to the end.
    open: AtomicUsize,
    /// The client does not take what it is sent.
    is_blocked: AtomicBool,
    /// It has requests side by side, as HTTP/2 does: what comes need not belong to a head.
    is_multiplexed: AtomicBool,
    /// What came last was the end of a head, so that no other one has begun.
    has_whole_head: AtomicBool,
    /// A request has made it, or a part of it, the application's own.
    is_upgraded: AtomicBool,
    upgraded: Mutex<Upgraded>,
    closed: Notify,
}

/// Whom to wake when an upgraded connection is cut.
#[derive(Default)]
struct Upgraded {
    is_cut: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

pub(super) enum Side {
    Read,
    Write,
}

impl Activity {
    pub(super) fn new(limits: Limits, ledger: Arc<Ledger>) -> Arc<Self> {
        Arc::new(Activity {
            silence: Silence::new(limits),
            ledger,
            open: AtomicUsize::new(0),
            is_blocked: AtomicBool::new(false),
            is_multiplexed: AtomicBool::new(false),
            has_whole_head: AtomicBool::new(true),
            is_upgraded: AtomicBool::new(false),
            upgraded: Mutex::default(),
            closed: Notify::new(),
        })
    }

    /// Whether somebody has asked who does not have the whole answer.
    pub(super) fn has_request(&self) -> bool {
        self.open.load(Relaxed) > 0 || self.is_blocked.load(Relaxed) || self.is_upgraded()
    }

    /// Whether a request waits for its answer, or for more of it.
    pub(super) fn is_open(&self) -> bool {
        self.open.load(Relaxed) > 0
    }

    /// A request has come, whose body may be still to come.
    pub(super) fn begin(self: &Arc<Self>, version: Version, has_body: bool) -> Open {
        self.silence.is_broken();
        self.is_multiplexed.store(version > Version::HTTP_11, Relaxed);
        self.open.fetch_add(1, Relaxed);
        Open { activity: Arc::clone(self), has_body }
    }

    /// Bytes have come, and may be the last of a head.
    pub(super) fn is_fed(&self, ends_head: bool) {
        self.has_whole_head.store(ends_head, Relaxed);
        if self.open.load(Relaxed) == 0 && !self.is_multiplexed.load(Relaxed) {
            self.silence.head_grows();
        }
    }

    pub(super) fn set_blocked(&self, is_blocked: bool) {
        self.is_blocked.store(is_blocked, Relaxed);
    }

    pub(super) fn is_upgraded(&self) -> bool {
        self.is_upgraded.load(Relaxed)
    }

    /// Fails if the connection has been cut; wakes whoever waits for this side of it when it is.
    pub(super) fn attend(&self, side: &Side, cx: &Context<'_>) -> io::Result<()> {
        let mut upgraded = lock(&self.upgraded);
        if upgraded.is_cut {
            let why = "the server has cut this connection: it has stopped";
            return Err(io::Error::new(io::ErrorKind::ConnectionAborted, why));
        }
        let waker = match side {
            Side::Read => &mut upgraded.reader,
            Side::Write => &mut upgraded.writer,
        };
        match waker {
            Some(waker) => waker.clone_from(cx.waker()),
            None => *waker = Some(cx.waker().clone()),
        }
        Ok(())
    }

    /// Ends what the application reads and writes.
    pub(super) fn cut(&self) {
        let mut upgraded = lock(&self.upgraded);
        upgraded.is_cut = true;
        let wakers = [upgraded.reader.take(), upgraded.writer.take()];
        drop(upgraded);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    /// The socket is closed.
    pub(super) fn close(&self) {
        self.closed.notify_one();
    }

    /// Ready when the socket is closed.
    pub(super) async fn closed(&self) {
        self.closed.notified().await;
    }
}

/// A request that has not been answered to the end.
pub(super) struct Open {
    activity: Arc<Activity>,
    has_body: bool,
}

impl Open {
    /// Its answer leaves the connection to the application.
    pub(super) fn upgrades(&self) {
        self.activity.is_upgraded.store(true, Relaxed);
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let Open { activity, has_body } = self;
        let was_last = activity.open.fetch_sub(1, Relaxed) == 1;
        activity.ledger.is_answered();
        // What came behind a request is the begin of the next head, unless it is a body.
        let has_more = !*has_body && !activity.has_whole_head.load(Relaxed);
        if was_last && has_more && !activity.is_multiplexed.load(Relaxed) {
            activity.silence.head_grows();
        }
    }
}

pin_project! {
    /// The body of an answer, whose request is open until it has been handed over.
    pub(super) struct Answer<B> {
        #[pin]
        body: B,
        open: Open,
    }
}

impl<B> Answer<B> {
    pub(super) fn new(body: B, open: Open) -> Self {
        Answer { body, open }
    }
}

impl<B: Body> Body for Answer<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        self.project().body.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
