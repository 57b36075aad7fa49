//! Accepts connections and serves them, until it is told to stop.

mod connection;
mod silence;

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, timeout};

pub(crate) use connection::Answers;
use connection::{End, Phase, connection};
pub(crate) use silence::Limits;
use silence::Silence;

/// For how long a server that stops waits for what has been sent to it already: the runtime may not have
/// looked yet, or it is on its way. Who is silent meanwhile is disconnected.
const MOMENT: Duration = Duration::from_millis(50);

/// Serves until `stopping` is ready, and then for at most `grace` what is in flight. Returns how many
/// connections were cut.
pub(crate) async fn serve<L, S>(
    mut listener: L,
    service: S,
    stopping: impl Future<Output = ()>,
    grace: Duration,
    limits: Option<Limits>,
) -> usize
where
    L: Listener,
    L::Addr: Clone + Sync + 'static,
    S: Answers,
{
    let (stop, phase) = watch::channel(Phase::Serve);
    // Most of the grace is for what is in flight, however little it is.
    let moment = MOMENT.min(grace / 4);
    let mut connections = Connections {
        tasks: JoinSet::new(),
        cut: Arc::default(),
        silence: Vec::new(),
        limits,
        moment,
        phase,
    };
    // Who is in the queue of the system believes to be connected.
    let mut stopping = pin!(async {
        stopping.await;
        sleep(moment).await;
    });
    while let Some((io, peer)) =
        accept(&mut listener, stopping.as_mut(), &mut connections.tasks).await
    {
        connections.add(io, peer, service.clone());
    }
    drop(listener);
    let Connections { mut tasks, cut, .. } = connections;
    stop.send_replace(Phase::Drain);
    if is_over(&mut tasks, grace.saturating_sub(moment)).await {
        return 0;
    }
    stop.send_replace(Phase::Cut);
    // Those that do not look at it any more are those whose service blocks.
    is_over(&mut tasks, MOMENT).await;
    cut.load(Ordering::Relaxed) + tasks.len()
}

/// Whether all end in time.
async fn is_over(tasks: &mut JoinSet<()>, grace: Duration) -> bool {
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
    /// Those that are counted, where there are limits.
    silence: Vec<(Arc<Silence>, AbortHandle)>,
    limits: Option<Limits>,
    /// How long each waits for what has been sent already, when the server stops.
    moment: Duration,
    phase: watch::Receiver<Phase>,
    /// How many were cut with a request in flight.
    cut: Arc<AtomicUsize>,
}

impl Connections {
    fn add<I, A, S>(&mut self, io: I, peer: A, service: S)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        A: Clone + Send + Sync + 'static,
        S: Answers,
    {
        let silence = self.limits.map(|limits| {
            self.make_room(limits.connections);
            Arc::new(Silence::new(limits))
        });
        let (phase, moment, cut) = (self.phase.clone(), self.moment, Arc::clone(&self.cut));
        let connection = connection(io, peer, service, phase, moment, silence.clone());
        let task = self.tasks.spawn(async move {
            if connection.await == End::Cut {
                cut.fetch_add(1, Ordering::Relaxed);
            }
        });
        self.silence.extend(silence.map(|silence| (silence, task)));
    }

    fn make_room(&mut self, most: usize) {
        if self.silence.len() < most {
            return;
        }
        self.silence.retain(|(_, task)| !task.is_finished());
        if self.silence.len() >= most {
            let since = |(_, (silence, _)): &(usize, &(Arc<Silence>, AbortHandle))| silence.since();
            let longest = self.silence.iter().enumerate().min_by_key(since).map(|(at, _)| at);
            if let Some(at) = longest {
                self.silence.swap_remove(at).1.abort();
            }
        }
    }
}

#[cfg(test)]
mod tests;
