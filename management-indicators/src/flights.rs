//! Blocking work on threads of its own, and at most one thread for each subject.

use std::collections::BTreeMap;
use std::thread;

use management_core::__private::Mutex;
use tokio::sync::watch;

use crate::error::describe;

/// The work that is under way, by its subject, such as the name that is looked up.
///
/// A thread that blocks for ever, such as on a dead network mount, cannot be ended. On tokio's blocking pool it would keep
/// the runtime from shutting down, and each run would block another one. Here all runs wait for the same thread.
pub(crate) struct Flights<K, V> {
    flying: Mutex<BTreeMap<K, watch::Receiver<Option<V>>>>,
}

impl<K, V> Flights<K, V>
where
    K: Ord + Clone + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    pub(crate) const fn new() -> Self {
        Flights { flying: Mutex::new(BTreeMap::new()) }
    }

    /// The result of the work on this subject: of the one that is under way, or else of new work.
    pub(crate) async fn join(
        &'static self,
        subject: K,
        work: impl FnOnce() -> V + Send + 'static,
    ) -> Result<V, String> {
        let (mut landed, flight) = self.board(subject);
        if let Some(flight) = flight {
            thread::Builder::new()
                .name("indicator".into())
                .spawn(move || flight.fly(work))
                .map_err(|error| format!("cannot start a thread: {}", describe(&error)))?;
        }
        let value = landed.wait_for(Option::is_some).await.ok().and_then(|value| value.clone());
        value.ok_or_else(|| "its thread has ended without a result".into())
    }

    /// What tells the result, and the flight if it has still to be started.
    fn board(&'static self, subject: K) -> (watch::Receiver<Option<V>>, Option<Flight<K, V>>) {
        let mut flying = self.flying.lock();
        if let Some(landed) = flying.get(&subject) {
            return (landed.clone(), None);
        }
        let (sender, landed) = watch::channel(None);
        flying.insert(subject.clone(), landed.clone());
        (landed, Some(Flight { flights: self, subject, sender, value: None }))
    }
}

/// Work that is under way until this is dropped.
struct Flight<K: Ord + 'static, V: 'static> {
    flights: &'static Flights<K, V>,
    subject: K,
    sender: watch::Sender<Option<V>>,
    value: Option<V>,
}

impl<K: Ord, V> Flight<K, V> {
    fn fly(mut self, work: impl FnOnce() -> V) {
        self.value = Some(work());
    }
}

impl<K: Ord, V> Drop for Flight<K, V> {
    fn drop(&mut self) {
        // Under the lock, so that whoever asks after the result is known starts new work.
        let mut flying = self.flights.flying.lock();
        flying.remove(&self.subject);
        self.sender.send_replace(self.value.take());
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::task::Poll;

    use super::*;

    #[tokio::test]
    async fn all_wait_for_the_same_thread() {
        static FLIGHTS: Flights<&str, usize> = Flights::new();
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let (land, may_land) = mpsc::channel::<()>();
        let work = |may_land: Option<mpsc::Receiver<()>>| {
            move || {
                let number = STARTED.fetch_add(1, Ordering::SeqCst);
                // Until the other end is dropped.
                _ = may_land.map(|may_land| may_land.recv());
                number
            }
        };
        let mut may_land = Some(may_land);
        for _ in 0..3 {
            // A run that is dropped at its deadline.
            let mut dropped = pin!(FLIGHTS.join("a", work(may_land.take())));
            std::future::poll_fn(|context| {
                assert!(dropped.as_mut().poll(context).is_pending());
                Poll::Ready(())
            })
            .await;
        }
        assert_eq!(FLIGHTS.join("b", || 7).await, Ok(7), "another subject has another thread");
        let mut joined = pin!(FLIGHTS.join("a", work(None)));
        std::future::poll_fn(|context| {
            assert!(joined.as_mut().poll(context).is_pending());
            Poll::Ready(())
        })
        .await;
        drop(land);
        assert_eq!(joined.await, Ok(0));
        assert_eq!(FLIGHTS.join("a", work(None)).await, Ok(1), "a result is not kept");
    }

    #[tokio::test]
    async fn a_panic_leaves_nothing_behind() {
        static FLIGHTS: Flights<&str, u8> = Flights::new();
        let panicked = FLIGHTS.join("a", || panic!("on purpose")).await;
        assert_eq!(panicked, Err("its thread has ended without a result".into()));
        assert_eq!(FLIGHTS.join("a", || 7).await, Ok(7));
    }
}
