//! Looks up the addresses of hosts.

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::time::Instant;

use crate::check::provided::Provided;
use crate::run::plan::{Plan, Schedule};
use crate::run::{Failure, Job, Label, Runner};
use crate::sync::Mutex;

type Addresses = Vec<SocketAddr>;

/// As good as none, because each exchange that needs an address has a deadline of its own.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

/// Looks up names with the system's resolver, each name on a thread of its own.
///
/// If no name server answers, the system blocks that thread for as long as it likes. On tokio's blocking pool the thread
/// would keep the runtime from shutting down, and each exchange would block another one. Here all exchanges that need the
/// same name wait for one lookup.
pub(crate) struct Resolver {
    lookup: fn(&str) -> io::Result<Addresses>,
    lookups: Mutex<HashMap<String, Arc<Runner<Provided<Addresses>>>>>,
}

impl Default for Resolver {
    fn default() -> Self {
        Resolver::with(|name| Ok((name, 0).to_socket_addrs()?.collect()))
    }
}

impl Resolver {
    pub(crate) fn with(lookup: fn(&str) -> io::Result<Addresses>) -> Self {
        Resolver { lookup, lookups: Mutex::default() }
    }

    /// The runner that looks up this name for all exchanges.
    fn runner(&self, name: &str) -> Arc<Runner<Provided<Addresses>>> {
        let mut lookups = self.lookups.lock();
        if let Some(runner) = lookups.get(name) {
            return Arc::clone(runner);
        }
        let (lookup, own_name) = (self.lookup, name.to_owned());
        let label = Label::Other(format!("lookup of {name}"));
        let job = Job::blocking(move || lookup(&own_name).map_err(Failure::failed));
        let plan = Plan {
            timeout: LOOKUP_TIMEOUT,
            schedule: Schedule::OnDemand { ttl: Duration::ZERO },
            valid_for: Duration::ZERO,
            fail_after: 1,
            once: false,
        };
        let secrets = Arc::default();
        let runner = Runner::new(label, job, plan, Arc::default(), secrets, Box::new(|_, _| {}));
        lookups.insert(name.into(), Arc::clone(&runner));
        runner
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let runner = self.runner(name.as_str());
        Box::pin(async move {
            let now = Instant::now();
            let reading = runner.answer(runner.ask(now), now, LOOKUP_TIMEOUT).await;
            let outcome = reading.outcome.map_err(|missing| missing.to_string())?;
            match &outcome.value {
                Ok(addresses) if addresses.is_empty() => Err("the name has no address".into()),
                Ok(addresses) => Ok(Box::new(addresses.clone().into_iter()) as Addrs),
                Err(failure) => Err(failure.to_string().into()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Condvar, Mutex};

    use super::*;

    async fn resolve(resolver: &Resolver) -> Result<Addresses, String> {
        let resolving = resolver.resolve("h".parse().expect("a name"));
        resolving.await.map(Iterator::collect).map_err(|error| error.to_string())
    }

    static LOOKUPS: AtomicUsize = AtomicUsize::new(0);
    static ANSWERED: Mutex<bool> = Mutex::new(false);
    static ANSWER: Condvar = Condvar::new();

    #[tokio::test]
    async fn while_no_name_server_answers_there_is_one_lookup() {
        let resolver = Resolver::with(|_| {
            LOOKUPS.fetch_add(1, Ordering::SeqCst);
            let answered = ANSWERED.lock().expect("the lock");
            drop(ANSWER.wait_while(answered, |answered| !*answered).expect("the lock"));
            Ok(vec![([127, 0, 0, 1], 0).into()])
        });
        for _ in 0..3 {
            let resolved =
                tokio::time::timeout(Duration::from_millis(20), resolve(&resolver)).await;
            resolved.expect_err("no name server answers");
        }
        assert_eq!(LOOKUPS.load(Ordering::SeqCst), 1);

        *ANSWERED.lock().expect("the lock") = true;
        ANSWER.notify_all();
        assert_eq!(resolve(&resolver).await, Ok(vec![([127, 0, 0, 1], 0).into()]));
        assert_eq!(LOOKUPS.load(Ordering::SeqCst), 1, "it was the one in flight");
        assert!(resolve(&resolver).await.is_ok());
        assert_eq!(LOOKUPS.load(Ordering::SeqCst), 2, "addresses change, so they are not kept");
    }

    #[tokio::test]
    async fn an_unknown_name_is_an_error() {
        let resolver = Resolver::with(|_| Err(io::Error::other("no such host")));
        assert_eq!(resolve(&resolver).await, Err("no such host".into()));
        let resolver = Resolver::with(|_| Ok(Vec::new()));
        assert_eq!(resolve(&resolver).await, Err("the name has no address".into()));
    }
}
