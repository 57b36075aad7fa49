//! Accepts connections and serves them until the server stops.

mod activity;
mod connection;
mod idle;
mod watched;

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep, timeout};

use activity::{Activity, Ledger};
pub(crate) use connection::Answers;
use connection::{End, Phase, Surroundings, connection};
pub(crate) use idle::{Limits, NextRequest};

/// How long a server that stops waits for requests that clients have already sent. Clients that send nothing in that time
/// are disconnected.
const LAST_REQUEST_TIMEOUT: Duration = Duration::from_millis(50);

/// How long connections that are cut may take to end. Only one whose service blocks its thread takes longer.
const CUT_TIMEOUT: Duration = Duration::from_secs(1);

/// How a server has ended.
#[derive(Debug, PartialEq)]
pub(crate) struct Ended {
    /// The number of connections that were cut with a request in flight.
    pub(crate) cut: usize,
    /// The time from the stop of the server until the last request was answered or cut.
    pub(crate) took: Duration,
}

/// Serves until `stopping` is ready, and then finishes requests in flight, for at most `grace` and until `cutting` is
/// ready.
pub(crate) async fn serve<L, S>(
    mut listener: L,
    service: S,
    stopping: impl Future<Output = ()>,
    cutting: impl Future<Output = ()>,
    grace: Duration,
    limits: Limits,
) -> Ended
where
    L: Listener,
    L::Addr: Clone + Sync + 'static,
    S: Answers,
{
    let (stop, phase) = watch::channel(Phase::Serve);
    // Most of the grace is for requests in flight, even if it is short.
    let last_request_timeout = LAST_REQUEST_TIMEOUT.min(grace / 4);
    let ledger = Arc::<Ledger>::default();
    let mut connections = Connections {
        tasks: JoinSet::new(),
        present: Vec::new(),
        ledger: Arc::clone(&ledger),
        limits,
        last_request_timeout,
        phase,
    };
    let mut stopped = Instant::now();
    // Clients in the queue of the system believe that they are connected, so they are still accepted.
    let mut stopping = Box::pin(async {
        stopping.await;
        stopped = Instant::now();
        ledger.stop();
        sleep(last_request_timeout).await;
    });
    while let Some((io, peer)) =
        accept(&mut listener, stopping.as_mut(), &mut connections.tasks).await
    {
        connections.add(io, peer, service.clone());
    }
    drop((listener, stopping));
    let Connections { mut tasks, .. } = connections;
    stop.send_replace(Phase::Drain);
    let is_over = tokio::select! {
        biased;
        is_over = are_over(&mut tasks, grace.saturating_sub(stopped.elapsed())) => is_over,
        () = cutting => false,
    };
    if is_over {
        let answered = ledger.last_answer().unwrap_or(stopped);
        return Ended { cut: 0, took: answered.saturating_duration_since(stopped) };
    }
    stop.send_replace(Phase::Cut);
    let took = stopped.elapsed();
    are_over(&mut tasks, CUT_TIMEOUT).await;
    Ended { cut: ledger.cut.load(Ordering::Relaxed) + tasks.len(), took }
}

/// Whether all of them end in time.
async fn are_over(tasks: &mut JoinSet<()>, grace: Duration) -> bool {
    timeout(grace, async { while tasks.join_next().await.is_some() {} }).await.is_ok()
}

/// The next connection, or `None` when the server stops.
async fn accept<L: Listener>(
    listener: &mut L,
    mut stopping: Pin<&mut impl Future<Output = ()>>,
    tasks: &mut JoinSet<()>,
) -> Option<(L::Io, L::Addr)> {
    // Polled until it is ready: it may be in a handshake, or in a pause after an error.
    let mut accepting = pin!(listener.accept());
    loop {
        tokio::select! {
            biased;
            () = stopping.as_mut() => return None,
            accepted = accepting.as_mut() => return Some(accepted),
            Some(_) = tasks.join_next() => {}
        }
    }
}

struct Connections {
    /// Aborted when this is dropped.
    tasks: JoinSet<()>,
    /// The connections that count, if their number is limited.
    present: Vec<(Arc<Activity>, AbortHandle)>,
    ledger: Arc<Ledger>,
    limits: Limits,
    /// How long each waits for requests that are already on their way when the server stops.
    last_request_timeout: Duration,
    phase: watch::Receiver<Phase>,
}

impl Connections {
    fn add<I, A, S>(&mut self, io: I, peer: A, service: S)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        A: Clone + Send + Sync + 'static,
        S: Answers,
    {
        let limits = self.limits;
        if let Some(most) = limits.connections {
            self.make_room(most);
        }
        let ledger = Arc::clone(&self.ledger);
        let activity = Activity::new(limits, Arc::clone(&ledger));
        let (phase, last_request_timeout) = (self.phase.clone(), self.last_request_timeout);
        let surroundings =
            Surroundings { activity: Arc::clone(&activity), phase, last_request_timeout, limits };
        let connection = connection(io, peer, service, surroundings);
        let task = self.tasks.spawn(async move {
            if connection.await == End::Cut {
                ledger.cut.fetch_add(1, Ordering::Relaxed);
            }
        });
        if limits.connections.is_some() {
            self.present.push((activity, task));
        }
    }

    fn make_room(&mut self, most: usize) {
        if self.present.len() < most {
            return;
        }
        self.present.retain(|(_, task)| !task.is_finished());
        if self.present.len() >= most {
            let since =
                |(_, (activity, _)): &(usize, &(Arc<Activity>, AbortHandle))| activity.idle.since();
            let longest = self.present.iter().enumerate().min_by_key(since).map(|(at, _)| at);
            if let Some(at) = longest {
                self.present.swap_remove(at).1.abort();
            }
        }
    }
}

#[cfg(test)]
mod tests;
