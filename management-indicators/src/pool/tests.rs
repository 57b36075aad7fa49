//! What the decision does at the wrong moment, with a pool that follows a script.

use std::future::pending;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use management_core::__private::Mutex;
use management_core::{Check, Health, Management, Status};
use tokio::time::Instant;

use super::{Answer, Fault, Pool, PoolProbe, Question, Usage};

/// What happens to a connection, or to a request for one.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Does {
    Works,
    Breaks,
    Hangs,
    Refuses,
    /// The pool says that it is full.
    IsFull,
    /// The server says that.
    ServerIsFull,
}

#[derive(Clone)]
struct Script(Arc<Inner>);

struct Inner {
    usage: Mutex<Usage>,
    idle: Mutex<Option<Does>>,
    acquire: Mutex<Does>,
    connect: Mutex<Does>,
    given_back: AtomicUsize,
    discarded: AtomicUsize,
    connected: AtomicUsize,
    asked_for_version: AtomicUsize,
}

struct Connection(Does);

struct Pooled(Script, Option<Connection>);

impl Deref for Pooled {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.1.as_ref().unwrap()
    }
}

impl DerefMut for Pooled {
    fn deref_mut(&mut self) -> &mut Connection {
        self.1.as_mut().unwrap()
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        if self.1.take().is_some() {
            self.0.0.given_back.fetch_add(1, SeqCst);
        }
    }
}

impl Pool for Script {
    type Connection = Connection;
    type Pooled = Pooled;

    fn usage(&self) -> Usage {
        *self.0.usage.lock()
    }

    async fn try_acquire(&self) -> Option<Pooled> {
        let does = self.0.idle.lock().take()?;
        Some(Pooled(self.clone(), Some(Connection(does))))
    }

    async fn acquire(&self) -> Result<Pooled, Fault> {
        let does = *self.0.acquire.lock();
        match does {
            Does::Hangs => pending().await,
            Does::IsFull => Err(Fault::PoolFull),
            Does::Refuses => Err(Fault::Connection("of the pool".into())),
            does => Ok(Pooled(self.clone(), Some(Connection(does)))),
        }
    }

    fn discard(&self, mut pooled: Pooled) {
        pooled.1 = None;
        self.0.discarded.fetch_add(1, SeqCst);
    }

    async fn connect(&self) -> Result<Connection, Fault> {
        self.0.connected.fetch_add(1, SeqCst);
        let does = *self.0.connect.lock();
        match does {
            Does::Hangs => pending().await,
            Does::Refuses => Err(Fault::Connection("refused".into())),
            Does::ServerIsFull => Err(Fault::ServerFull("too many connections".into())),
            does => Ok(Connection(does)),
        }
    }

    async fn ask(&self, connection: &mut Connection, question: &Question) -> Result<Answer, Fault> {
        match connection.0 {
            Does::Hangs => pending().await,
            Does::Breaks => Err(Fault::Connection("broken".into())),
            Does::Refuses => Err(Fault::Server("no".into())),
            _ => {
                let version = question.version.then(|| "9".to_owned());
                self.0.asked_for_version.fetch_add(usize::from(question.version), SeqCst);
                Ok(Answer { read_only: false, version })
            }
        }
    }
}

const TIMEOUT: Duration = Duration::from_secs(2);

/// A pool of at most three connections, of which so many are open and none is idle.
fn script(size: usize, idle: Option<Does>, acquire: Does, connect: Does) -> Script {
    Script(Arc::new(Inner {
        usage: Mutex::new(Usage { size, idle: 0, max: 3, waiting: None }),
        idle: Mutex::new(idle),
        acquire: Mutex::new(acquire),
        connect: Mutex::new(connect),
        given_back: AtomicUsize::new(0),
        discarded: AtomicUsize::new(0),
        connected: AtomicUsize::new(0),
        asked_for_version: AtomicUsize::new(0),
    }))
}

fn management(pool: &Script) -> Management {
    let check: Check = PoolProbe::new("db", pool.clone()).timeout(TIMEOUT).ttl(Duration::ZERO);
    Management::builder().check(check).build().unwrap()
}

async fn ask(management: &Management) -> Health {
    management.check("db").await.unwrap().health().clone()
}

/// Asks once, and tells the status, the reason and how long it took.
async fn once(pool: &Script) -> (Status, String, Duration) {
    let management = management(pool);
    let begun = Instant::now();
    let health = ask(&management).await;
    (health.status(), health.reason().unwrap_or_default().to_owned(), begun.elapsed())
}

fn counts(pool: &Script) -> (usize, usize) {
    (pool.0.given_back.load(SeqCst), pool.0.discarded.load(SeqCst))
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_decides() {
    for (does, status, reason, counted) in [
        (Does::Works, Status::Up, "", (1, 0)),
        // The server has answered, so the connection works.
        (Does::Refuses, Status::Down, "no", (1, 0)),
    ] {
        let pool = script(1, Some(does), Does::Hangs, Does::Hangs);
        assert_eq!(once(&pool).await, (status, reason.into(), Duration::ZERO));
        assert_eq!((counts(&pool), pool.0.connected.load(SeqCst)), (counted, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_that_has_broken_or_is_silent_is_replaced() {
    for (does, took) in [(Does::Breaks, Duration::ZERO), (Does::Hangs, TIMEOUT / 2)] {
        let pool = script(1, Some(does), Does::Works, Does::Hangs);
        assert_eq!(once(&pool).await, (Status::Up, String::new(), took), "{does:?}");
        assert_eq!(counts(&pool), (1, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_of_a_run_that_ends_does_not_go_back() {
    let pool = script(1, Some(Does::Hangs), Does::Hangs, Does::Hangs);
    let reason = "timed out after 2s while connecting";
    assert_eq!(once(&pool).await, (Status::Down, reason.into(), TIMEOUT));
    assert_eq!(counts(&pool), (0, 1));
    let pool = script(0, None, Does::Hangs, Does::Works);
    // The one that was acquired hangs while it is asked.
    *pool.0.acquire.lock() = Does::Hangs;
    *pool.0.connect.lock() = Does::Hangs;
    assert_eq!(once(&pool).await.2, TIMEOUT);
    assert_eq!(counts(&pool), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn the_error_of_a_connection_is_told_and_not_that_of_the_pool() {
    for acquire in [Does::Refuses, Does::Hangs] {
        let pool = script(0, None, acquire, Does::Refuses);
        let (status, reason, _) = once(&pool).await;
        assert_eq!((status, &*reason), (Status::Down, "cannot connect: refused"), "{acquire:?}");
    }
    let pool = script(0, None, Does::Refuses, Does::Works);
    let (status, reason, _) = once(&pool).await;
    assert_eq!((status, &*reason), (Status::Down, "of the pool"), "the server is not the reason");
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_gives_a_broken_connection_is_up_if_the_server_works() {
    let pool = script(1, None, Does::Breaks, Does::Works);
    assert_eq!(once(&pool).await.0, Status::Up);
    assert_eq!(counts(&pool), (0, 1));
    let pool = script(1, None, Does::Breaks, Does::Refuses);
    assert_eq!(once(&pool).await.1, "cannot connect: refused");
}

#[tokio::test(start_paused = true)]
async fn a_pool_without_a_free_connection_is_exhausted_also_while_it_opens_the_last_one() {
    let pool = script(3, None, Does::Hangs, Does::Works);
    let (status, reason, _) = once(&pool).await;
    assert_eq!((status, &*reason), (Status::Degraded, "pool exhausted: 3 of 3 in use"));
    let pool = script(0, None, Does::IsFull, Does::Works);
    let (status, reason, _) = once(&pool).await;
    let opening = "pool exhausted: all 3 in use or being opened";
    assert_eq!((status, &*reason), (Status::Degraded, opening));
    let pool = script(3, None, Does::Hangs, Does::Refuses);
    let (status, reason, _) = once(&pool).await;
    let down = "cannot connect: refused (pool exhausted: 3 of 3 in use)";
    assert_eq!((status, &*reason), (Status::Down, down));
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_opens_no_connection_is_down_although_the_server_works() {
    let pool = script(0, None, Does::Hangs, Does::Works);
    let (status, reason, took) = once(&pool).await;
    let why = "the server answers, but the pool opens no connection";
    assert_eq!((status, &*reason), (Status::Down, why));
    assert!(took < TIMEOUT, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_full_works_for_a_pool_that_has_connections() {
    let pool = script(1, Some(Does::Works), Does::Hangs, Does::ServerIsFull);
    let management = management(&pool);
    assert_eq!(ask(&management).await.status(), Status::Up);
    let full = ask(&management).await;
    assert_eq!((full.status(), full.reason()), (Status::Degraded, Some("too many connections")));
    // One that has answered nothing yet may count what it is opening.
    let pool = script(1, None, Does::Hangs, Does::ServerIsFull);
    assert_eq!(once(&pool).await.0, Status::Down);
}

#[tokio::test(start_paused = true)]
async fn the_version_is_asked_once_for_each_connection_that_breaks() {
    let pool = script(1, None, Does::Works, Does::Works);
    let management = management(&pool);
    for does in [Does::Works, Does::Works, Does::Works] {
        *pool.0.idle.lock() = Some(does);
        assert_eq!(ask(&management).await.details()["version"], "9");
    }
    assert_eq!(pool.0.asked_for_version.load(SeqCst), 1);
    // The server that is connected to next may be another one.
    *pool.0.idle.lock() = Some(Does::Breaks);
    assert_eq!(ask(&management).await.status(), Status::Up);
    assert_eq!(pool.0.asked_for_version.load(SeqCst), 2);
}

#[test]
fn an_empty_query_is_a_mistake_and_no_query_is_shown() {
    let pool = script(1, None, Does::Works, Does::Works);
    let check = PoolProbe::new("db", pool).query(" ");
    let error = Management::builder().check(check).build().unwrap_err().to_string();
    assert!(error.contains("its query is empty"), "{error}");
    let question = Question { query: Some("SELECT secret".into()), ..Question::default() };
    assert!(!format!("{question:?}").contains("secret"), "{question:?}");
}
