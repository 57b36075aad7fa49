//! Accepts connections and serves them, until it is told to stop.

mod activity;
mod connection;
mod silence;
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
pub(crate) use silence::{Limits, NextRequest};

/// For how long a server that stops waits for what has been sent to it already: the runtime may not have
/// looked yet, or it is on its way. Who is silent meanwhile is disconnected.
const MOMENT: Duration = Duration::from_millis(50);

/// How long connections that are cut may take to notice. Those that do not notice are those whose service
/// blocks its thread.
const NOTICE: Duration = Duration::from_secs(1);

/// How a server has ended.
#[derive(Debug, PartialEq)]
pub(crate) struct Ended {
    /// How many connections were cut with a request in flight.
    pub(crate) cut: usize,
    /// How long it took, since the server was told to stop, until the last request was answered or cut.
    pub(crate) took: Duration,
}

/// Serves until `stopping` is ready, and then what is in flight, for at most `grace` and until `cutting` is
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
    // Most of the grace is for what is in flight, however little it is.
    let moment = MOMENT.min(grace / 4);
    let ledger = Arc::<Ledger>::default();
    let mut connections = Connections {
        tasks: JoinSet::new(),
        present: Vec::new(),
        ledger: Arc::clone(&ledger),
        limits,
        moment,
        phase,
    };
    let mut stopped = Instant::now();
    // Who is in the queue of the system believes to be connected.
    let mut stopping = Box::pin(async {
        stopping.await;
        stopped = Instant::now();
        ledger.stop();
        sleep(moment).await;
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
    are_over(&mut tasks, NOTICE).await;
    Ended { cut: ledger.cut.load(Ordering::Relaxed) + tasks.len(), took }
}

/// Whether all end in time.
async fn are_over(tasks: &mut JoinSet<()>, grace: Duration) -> bool {
    timeout(grace, async { while tasks.join_next().await.is_some() {} }).await.is_ok()
}

/// The next connection, or nothing when the server stops.
async fn accept<L: Listener>(
    listener: &mut L,
    mut stopping: Pin<&mut impl Future<Output = ()>>,
    tasks: &mut JoinSet<()>,
) -> Option<(L::Io, L::Addr)> {
    // One future until it is ready: it may be in the middle of a handshake, or of a pause after an error.
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
    /// Ended when this is dropped.
    tasks: JoinSet<()>,
    /// Those that are counted, where there are limits to their number.
    present: Vec<(Arc<Activity>, AbortHandle)>,
    ledger: Arc<Ledger>,
    limits: Limits,
    /// How long each waits for what has been sent already, when the server stops.
    moment: Duration,
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
        let (phase, moment) = (self.phase.clone(), self.moment);
        let surroundings = Surroundings { activity: Arc::clone(&activity), phase, moment, limits };
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
            let since = |(_, (activity, _)): &(usize, &(Arc<Activity>, AbortHandle))| {
                activity.silence.since()
            };
            let longest = self.present.iter().enumerate().min_by_key(since).map(|(at, _)| at);
            if let Some(at) = longest {
                self.present.swap_remove(at).1.abort();
            }
        }
    }
}

#[cfg(test)]
mod tests;
