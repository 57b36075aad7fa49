//! The state of a connection, as far as it decides when the connection may be closed.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};

use axum::http::Version;
use hyper::body::{Body, Frame, SizeHint};
use management_core::__private::Mutex;
use pin_project_lite::pin_project;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::idle::{IdleTimer, Limits};

/// The connections of a server while it stops.
#[derive(Default)]
pub(super) struct Ledger {
    is_stopping: AtomicBool,
    /// When the last request was answered.
    answered: Mutex<Option<Instant>>,
    /// The number of connections that were cut with a request in flight.
    pub(super) cut: AtomicUsize,
}

impl Ledger {
    pub(super) fn stop(&self) {
        self.is_stopping.store(true, Relaxed);
    }

    pub(super) fn request_answered(&self) {
        if self.is_stopping.load(Relaxed) {
            *self.answered.lock() = Some(Instant::now());
        }
    }

    pub(super) fn last_answer(&self) -> Option<Instant> {
        *self.answered.lock()
    }
}

/// The state of a connection.
pub(super) struct Activity {
    pub(super) idle: IdleTimer,
    pub(super) ledger: Arc<Ledger>,
    /// The number of requests whose answers have not been handed over completely.
    open: AtomicUsize,
    /// Whether the client does not read.
    is_blocked: AtomicBool,
    /// Whether requests are multiplexed, as in HTTP/2: bytes that arrive may not belong to a head.
    is_multiplexed: AtomicBool,
    /// Whether the last bytes were the end of a head, so that no other head has begun.
    has_whole_head: AtomicBool,
    /// Whether a request has upgraded the connection, or a stream of it: it belongs to the application.
    is_upgraded: AtomicBool,
    upgraded: Mutex<Upgraded>,
    closed: Notify,
}

/// The tasks to wake when an upgraded connection is cut.
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
            idle: IdleTimer::new(limits),
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

    /// Whether the client waits for an answer or a part of one.
    pub(super) fn has_request(&self) -> bool {
        self.open.load(Relaxed) > 0 || self.is_blocked.load(Relaxed) || self.is_upgraded()
    }

    /// Whether the application has not finished an answer.
    pub(super) fn is_open(&self) -> bool {
        self.open.load(Relaxed) > 0
    }

    /// Records a request. Its body may still have to arrive.
    pub(super) fn begin(self: &Arc<Self>, version: Version, has_body: bool) -> Open {
        self.idle.request_arrived();
        self.is_multiplexed.store(version > Version::HTTP_11, Relaxed);
        self.open.fetch_add(1, Relaxed);
        Open { activity: Arc::clone(self), has_body }
    }

    /// Records bytes that have arrived, and whether they end a head.
    pub(super) fn head_received(&self, ends_head: bool) {
        self.has_whole_head.store(ends_head, Relaxed);
        if self.open.load(Relaxed) == 0 && !self.is_multiplexed.load(Relaxed) {
            self.idle.head_arrives();
        }
    }

    pub(super) fn set_blocked(&self, is_blocked: bool) {
        self.is_blocked.store(is_blocked, Relaxed);
    }

    pub(super) fn is_upgraded(&self) -> bool {
        self.is_upgraded.load(Relaxed)
    }

    /// Fails if the connection was cut. Otherwise, the task is woken when it is cut.
    pub(super) fn attend(&self, side: &Side, cx: &Context<'_>) -> io::Result<()> {
        let mut upgraded = self.upgraded.lock();
        if upgraded.is_cut {
            let why = "the server has stopped and closed this connection";
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

    /// Makes reads and writes of the application fail.
    pub(super) fn cut(&self) {
        let mut upgraded = self.upgraded.lock();
        upgraded.is_cut = true;
        let wakers = [upgraded.reader.take(), upgraded.writer.take()];
        drop(upgraded);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    /// Records that the socket is closed.
    pub(super) fn close(&self) {
        self.closed.notify_one();
    }

    /// Ready when the socket is closed.
    pub(super) async fn closed(&self) {
        self.closed.notified().await;
    }
}

/// A request that is not answered completely.
pub(super) struct Open {
    activity: Arc<Activity>,
    has_body: bool,
}

impl Open {
    /// Records that its answer upgrades the connection.
    pub(super) fn upgrades(&self) {
        self.activity.is_upgraded.store(true, Relaxed);
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let Open { activity, has_body } = self;
        let was_last = activity.open.fetch_sub(1, Relaxed) == 1;
        activity.ledger.request_answered();
        // Bytes after a request are the beginning of the next head, unless they are a body.
        let has_more = !*has_body && !activity.has_whole_head.load(Relaxed);
        if was_last && has_more && !activity.is_multiplexed.load(Relaxed) {
            activity.idle.head_arrives();
        }
    }
}

pin_project! {
    /// The body of an answer. The request is open until the body has been handed over.
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
