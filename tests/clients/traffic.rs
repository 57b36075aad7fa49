//! Users who send requests all the time.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::service::{Cutting, Service};
use crate::{Answer, Connection, Door, eventually};

pub(crate) struct Traffic {
    shared: Arc<Shared>,
    users: Vec<JoinHandle<()>>,
}

struct Shared {
    door: Door,
    method: &'static str,
    since: Instant,
    ends: AtomicBool,
    answered: AtomicUsize,
    lost: Mutex<Vec<String>>,
}

impl Traffic {
    /// Two users who keep their connections, and two who do not.
    pub(crate) fn start(door: &Door, method: &'static str) -> Self {
        let shared = Arc::new(Shared {
            door: door.clone(),
            method,
            since: Instant::now(),
            ends: AtomicBool::new(false),
            answered: AtomicUsize::new(0),
            lost: Mutex::new(Vec::new()),
        });
        let user = |keeps: bool| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.send(keeps))
        };
        let users = [true, true, false, false].map(user).into();
        Traffic { shared, users }
    }

    /// Returns the number of answered requests, and panics if any was lost.
    #[track_caller]
    pub(crate) fn end(mut self) -> usize {
        self.shared.ends.store(true, Ordering::SeqCst);
        for user in self.users.drain(..) {
            user.join().unwrap();
        }
        let lost = self.shared.lost.lock().unwrap();
        let answered = self.shared.answered.load(Ordering::SeqCst);
        assert!(lost.is_empty(), "lost {} beside {answered}: {lost:#?}", lost.len());
        answered
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.shared.ends.store(true, Ordering::SeqCst);
    }
}

impl Shared {
    fn send(&self, keeps: bool) {
        let mut kept = None;
        while !self.ends.load(Ordering::SeqCst) {
            match self.ask(&mut kept) {
                Ok(answer) if answer.code == 200 => {
                    self.answered.fetch_add(1, Ordering::SeqCst);
                }
                failure => {
                    let after = self.since.elapsed().as_millis();
                    self.lost.lock().unwrap().push(format!("after {after} ms: {failure:?}"));
                }
            }
            if !keeps {
                kept = None;
            }
            // The proxy and the other tests need the machine, too.
            thread::sleep(Duration::from_millis(2));
        }
    }

    fn ask(&self, kept: &mut Option<Connection>) -> io::Result<Answer> {
        let mut connection = match kept.take() {
            Some(connection) => connection,
            None => self.door.connect()?,
        };
        let answer = connection.ask(self.method, "/")?;
        if !answer.is_last() {
            *kept = Some(connection);
        }
        Ok(answer)
    }
}

/// Waits until a service has received this many more requests.
#[track_caller]
pub(crate) fn gets_more(service: &Service, more: usize) {
    let enough = service.requests() + more;
    eventually("requests arrive", || (service.requests() >= enough).then_some(()));
}

/// Panics if the first of two services still receives requests.
#[track_caller]
pub(crate) fn only_the_second_is_asked(first: &Service, second: &Service) {
    // A few requests may still have been on their way to the first one.
    gets_more(second, 20);
    let before = first.requests();
    gets_more(second, 100);
    assert_eq!(first.requests(), before, "requests to a service that is out");
}

/// The first of two services vanishes without notice while users send requests. The proxy sends to the second one
/// what it can send again.
#[track_caller]
pub(crate) fn nothing_is_lost_when_one_vanishes(door: &Door, services: &mut [Service; 2]) {
    let [first, second] = services;
    let traffic = Traffic::start(door, "GET");
    gets_more(first, 50);
    gets_more(second, 50);
    first.stop();
    gets_more(second, 100);
    // The proxy cannot connect to the first one, so it may send a POST to the second.
    for _ in 0..10 {
        let answer = door.ask("POST", "/").unwrap();
        assert_eq!(answer.code, 200, "{answer:?}");
    }
    println!("one vanishes: {} requests, none lost", traffic.end());
}

/// Sends requests to a proxy in front of two services, of which one cuts connections. The proxy sends a GET to the
/// other one then. A POST arrives only once.
#[track_caller]
pub(crate) fn through_cut_connections<P>(start: impl Fn([SocketAddr; 2]) -> (P, Door)) {
    for method in ["GET", "POST"] {
        let (cutting, working) = (Cutting::start(), Service::start("app-2"));
        let (_proxy, door) = start([cutting.address, working.address]);
        let codes: Vec<u16> = (0..10).map(|_| door.code(method, "/")).collect();
        let (cut, worked) = (cutting.cut(), working.requests());
        println!("{method} to one that cuts connections: {codes:?}, {cut} cut, {worked} answered");
        assert!(cut > 0, "none reached it: {codes:?}");
        let answered = codes.iter().filter(|&&code| code == 200).count();
        assert_eq!(worked, answered);
        if method == "POST" {
            assert_eq!(cut + worked, codes.len(), "each arrived once: {codes:?}");
        } else {
            assert_eq!(answered, codes.len(), "each is answered: {codes:?}");
        }
    }
}
