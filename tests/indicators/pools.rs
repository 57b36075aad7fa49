//! Pools of PostgreSQL.

use diesel::r2d2::ConnectionManager;
use diesel::{Connection, PgConnection};
use management_core::{Check, Status};
use management_indicators as indicators;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio_postgres::NoTls;

use crate::faults::{Client, PASSWORD, Service, TIMEOUT, USER, answers};
use crate::postgres::Postgres;
use crate::server::Server;

/// The maximum of every pool.
pub(crate) const MAX: u32 = 3;

/// Takes every connection of a pool.
pub(crate) async fn take_all<D: sqlx::Database>(pool: &sqlx::Pool<D>) -> Box<dyn Send> {
    let mut taken = Vec::new();
    for _ in 0..MAX {
        taken.push(pool.acquire().await.unwrap());
    }
    Box::new(taken)
}

pub(crate) struct Sqlx(pub(crate) sqlx::PgPool);

impl Client for Sqlx {
    type Host = Server<Postgres>;

    const NAME: &str = "PostgreSQL, sqlx";

    async fn new(port: u16, password: &str) -> Self {
        let options = PgConnectOptions::new_without_pgpass().host("127.0.0.1").port(port);
        let options = options.username(USER).password(password).database("postgres");
        Sqlx(PgPoolOptions::new().max_connections(MAX).connect_lazy_with(options))
    }

    fn check(&self) -> Check {
        indicators::sqlx::postgres("it", &self.0).into()
    }

    fn is_settled(&self) -> bool {
        self.0.num_idle() > 0
    }

    async fn exhaust(&self) -> Option<Box<dyn Send>> {
        Some(take_all(&self.0).await)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlx_on_postgres() {
    answers::<Sqlx>().await;
}

pub(crate) struct Deadpool(pub(crate) deadpool_postgres::Pool);

impl Client for Deadpool {
    type Host = Server<Postgres>;

    const NAME: &str = "PostgreSQL, deadpool";

    async fn new(port: u16, password: &str) -> Self {
        let manager = deadpool_postgres::Manager::new(config(port, password), NoTls);
        let pool = deadpool_postgres::Pool::builder(manager).max_size(MAX as usize);
        Deadpool(pool.build().unwrap())
    }

    fn check(&self) -> Check {
        indicators::deadpool::postgres("it", &self.0).into()
    }

    async fn exhaust(&self) -> Option<Box<dyn Send>> {
        let mut taken = Vec::new();
        for _ in 0..MAX {
            taken.push(self.0.get().await.unwrap());
        }
        // One more waits.
        let pool = self.0.clone();
        let waits = tokio::spawn(async move { pool.get().await.map(drop).unwrap() });
        while self.0.status().waiting == 0 {
            tokio::task::yield_now().await;
        }
        Some(Box::new((taken, waits)))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deadpool_on_postgres() {
    answers::<Deadpool>().await;
}

pub(crate) type Bb8Pool = bb8::Pool<bb8_postgres::PostgresConnectionManager<NoTls>>;

pub(crate) struct Bb8(pub(crate) Bb8Pool);

impl Client for Bb8 {
    type Host = Server<Postgres>;

    const NAME: &str = "PostgreSQL, bb8";
    // It cannot take the connection out of the pool.
    const HALF_OPEN: Status = Status::Degraded;

    async fn new(port: u16, password: &str) -> Self {
        let manager = bb8_postgres::PostgresConnectionManager::new(config(port, password), NoTls);
        Bb8(bb8::Pool::builder().max_size(MAX).build_unchecked(manager))
    }

    fn check(&self) -> Check {
        indicators::bb8::postgres("it", &self.0).into()
    }

    async fn exhaust(&self) -> Option<Box<dyn Send>> {
        let mut taken = Vec::new();
        for _ in 0..MAX {
            taken.push(self.0.get_owned().await.unwrap());
        }
        Some(Box::new(taken))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bb8_on_postgres() {
    answers::<Bb8>().await;
}

type DieselPool = diesel::r2d2::Pool<ConnectionManager<PgConnection>>;

struct Diesel(DieselPool, String);

impl Client for Diesel {
    type Host = Server<Postgres>;

    const NAME: &str = "PostgreSQL, diesel";
    const HALF_OPEN: Status = Status::Down;

    async fn new(port: u16, password: &str) -> Self {
        let url = format!("postgres://{USER}:{password}@127.0.0.1:{port}/postgres");
        let manager = ConnectionManager::new(&url);
        let pool = diesel::r2d2::Pool::builder().max_size(MAX).min_idle(Some(0));
        Diesel(pool.build_unchecked(manager), url)
    }

    fn check(&self) -> Check {
        let url = self.1.clone();
        let check = indicators::diesel::r2d2("it", &self.0);
        check.connect_with(move || PgConnection::establish(&url)).into()
    }

    async fn exhaust(&self) -> Option<Box<dyn Send>> {
        let taken: Vec<_> = (0..MAX).map(|_| self.0.get().unwrap()).collect();
        Some(Box::new(taken))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn diesel_on_postgres() {
    answers::<Diesel>().await;
}

pub(crate) fn config(port: u16, password: &str) -> tokio_postgres::Config {
    let mut config = tokio_postgres::Config::new();
    config.host("127.0.0.1").port(port).user(USER).password(password).dbname("postgres");
    config
}

/// Counts connections to the server while the check runs again and again: with the pool full, and while it grows.
async fn most_connections<C: Client>() -> i64 {
    let server = Server::<Postgres>::start();
    let (monitor, connection) =
        config(server.port, PASSWORD).application_name("monitor").connect(NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    let client = C::new(server.port, PASSWORD).await;
    let service = Service::new(client.check());
    let count = async || {
        let query = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' \
                     AND application_name <> 'monitor'";
        monitor.query_one(query, &[]).await.unwrap().get::<_, i64>(0)
    };
    let mut most = 0;
    for is_exhausted in [false, true] {
        let taken = if is_exhausted { client.exhaust().await } else { None };
        let asks = async {
            for _ in 0..20 {
                service.ask("").await;
            }
        };
        let mut asks = std::pin::pin!(asks);
        loop {
            tokio::select! {
                biased;
                () = &mut asks => break,
                now = count() => most = most.max(now),
            }
        }
        drop(taken);
    }
    drop((service, client, server));
    // It ends with the server.
    _ = connection.await.unwrap();
    most
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_never_more_than_one_connection_beside_the_pool() {
    let allowed = 1..=i64::from(MAX) + 1;
    for most in [
        most_connections::<Sqlx>().await,
        most_connections::<Deadpool>().await,
        most_connections::<Bb8>().await,
        most_connections::<Diesel>().await,
    ] {
        assert!(allowed.contains(&most), "{most} connections");
        assert!(i64::from(MAX) <= most, "the pool was never full: {most} connections");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_of_an_exhausted_pool_can_be_chosen() {
    let server = Server::<Postgres>::start();
    let client = Sqlx::new(server.port, PASSWORD).await;
    let _taken = client.exhaust().await;
    for status in [Status::Up, Status::Degraded, Status::OutOfService, Status::Down] {
        let check = indicators::sqlx::postgres("it", &client.0).exhausted(status);
        assert_eq!(Service::new(check.into()).ask("exhausted").await.status, status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_a_free_connection_works() {
    let server = Server::<Postgres>::start();
    let (monitor, connection) = config(server.port, PASSWORD).connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    monitor.batch_execute("CREATE ROLE app LOGIN PASSWORD 'app' CONNECTION LIMIT 3").await.unwrap();
    let options = PgConnectOptions::new_without_pgpass().host("127.0.0.1").port(server.port);
    let options = options.username("app").password("app").database("postgres");
    let pools = [(); 2].map(|()| PgPoolOptions::new().connect_lazy_with(options.clone()));
    let [first, second] = &pools;
    let service = |pool| Service::new(indicators::sqlx::postgres("it", pool).into());
    let full = service(first);
    assert_eq!(full.ask("up").await.status, Status::Up);
    let mut taken = Vec::new();
    for _ in 0..3 {
        taken.push(first.acquire().await.unwrap());
    }
    // This pool has all the connections that the server allows, and the other one has none.
    let services = [full, service(second)];
    let answers = [services[0].ask("has all").await, services[1].ask("has none").await];
    let reasons = answers.each_ref().map(|answer| (answer.status, &*answer.reason));
    let reason = "too many connections for role \"…\"";
    assert_eq!(reasons, [(Status::Degraded, reason), (Status::Down, reason)]);
    drop(taken);
    first.close().await;
    assert_eq!(services[1].recovers("free").await.status, Status::Up);
    second.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_decides_and_is_not_shown() {
    let server = Server::<Postgres>::start();
    let client = Sqlx::new(server.port, PASSWORD).await;
    let answer = async |query: &str| {
        let check = indicators::sqlx::postgres("it", &client.0).query(query);
        let answer = Service::new(check.into()).ask("").await;
        (answer.status, answer.reason)
    };
    assert_eq!(answer("SELECT 1; SELECT 2").await, (Status::Up, String::new()));
    assert_eq!(
        answer("SELECT secret_column FROM pg_class").await,
        (Status::Down, "the query failed with the code 42703".to_owned()),
    );
    assert_eq!(
        answer("SELECT * FROM clerk_orders").await,
        (Status::Down, "the query failed with the code 42P01".to_owned()),
    );
}

/// PostgreSQL does not end a query because its client has gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_is_not_answered_is_asked_once() {
    let server = Server::<Postgres>::start();
    let (monitor, connection) = config(server.port, PASSWORD).connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    monitor.batch_execute("CREATE TABLE orders ()").await.unwrap();
    monitor.batch_execute("BEGIN; LOCK TABLE orders").await.unwrap();
    let sqlx = Sqlx::new(server.port, PASSWORD).await.0;
    let deadpool = Deadpool::new(server.port, PASSWORD).await.0;
    let query = "SELECT 1 FROM orders LIMIT 1";
    let services = [
        Service::new(indicators::sqlx::postgres("it", &sqlx).query(query).into()),
        Service::new(indicators::deadpool::postgres("it", &deadpool).query(query).into()),
    ];
    for service in &services {
        for _ in 0..4 {
            let late = service.ask("locked").await;
            let reason = "timed out after 1s while waiting for the answer to the query";
            assert_eq!((late.status, &*late.reason), (Status::Down, reason));
        }
    }
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
    let waiting: i64 = monitor.query_one(waiting, &[]).await.unwrap().get(0);
    assert_eq!(waiting, 2, "one for each check");
    monitor.batch_execute("ROLLBACK").await.unwrap();
    for service in &services {
        assert_eq!(service.recovers("unlocked").await.status, Status::Up);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_pool_is_down_and_connects_to_nothing() {
    let server = Server::<Postgres>::start();
    let sqlx = Sqlx::new(server.port, PASSWORD).await.0;
    let deadpool = Deadpool::new(server.port, PASSWORD).await.0;
    let services = [
        Service::new(indicators::sqlx::postgres("it", &sqlx).into()),
        Service::new(indicators::deadpool::postgres("it", &deadpool).into()),
    ];
    for service in &services {
        assert_eq!(service.ask("open").await.status, Status::Up);
    }
    sqlx.close().await;
    deadpool.close();
    for service in &services {
        let closed = service.ask("closed").await;
        assert_eq!((closed.status, &*closed.reason), (Status::Down, "the pool is closed"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_that_prepares_its_connections_decides_over_them() {
    let server = Server::<Postgres>::start();
    let options = PgConnectOptions::new_without_pgpass().host("127.0.0.1").port(server.port);
    let options = options.username(USER).password(PASSWORD).database("postgres");

    // A hook that takes long is no failure.
    let slow = PgPoolOptions::new().max_connections(1).after_connect(|_, _| {
        Box::pin(async {
            tokio::time::sleep(TIMEOUT / 4).await;
            Ok(())
        })
    });
    let slow = slow.connect_lazy_with(options.clone());
    let service = Service::new(indicators::sqlx::postgres("it", &slow).into());
    assert_eq!(service.ask("a slow hook").await.status, Status::Up);
    assert_eq!(slow.size(), 1, "the pool has the connection");

    // One that fails lets the service have no connection.
    let failing = PgPoolOptions::new()
        .max_connections(1)
        .after_connect(|_, _| Box::pin(async { Err(sqlx::Error::Protocol("a hook".into())) }));
    let failing = failing.connect_lazy_with(options.clone());
    let service = Service::new(indicators::sqlx::postgres("it", &failing).into());
    let answer = service.ask("a failing hook").await;
    assert_eq!(answer.status, Status::Down, "{answer}");

    // The query needs what the hook does, and is not asked past the pool.
    let hooked = PgPoolOptions::new().max_connections(1).after_connect(|connection, _| {
        Box::pin(async {
            let setup = "CREATE SCHEMA IF NOT EXISTS shop; SET search_path TO shop; \
                         CREATE TABLE IF NOT EXISTS orders ()";
            sqlx::Executor::execute(connection, sqlx::raw_sql(setup)).await.map(drop)
        })
    });
    let hooked = hooked.connect_lazy_with(options);
    let check = indicators::sqlx::postgres("it", &hooked).query("SELECT 1 FROM orders LIMIT 1");
    let service = Service::new(check.into());
    assert_eq!(service.ask("a query").await.status, Status::Up);
    let taken = hooked.acquire().await.unwrap();
    let exhausted = service.ask("a query, and the pool is full").await;
    assert_eq!(exhausted.reason, "pool exhausted: 1 of 1 in use");
    assert_eq!(exhausted.status, Status::Degraded);
    drop(taken);
}

#[tokio::test(flavor = "multi_thread")]
async fn details_tell_the_size_of_the_pool_and_the_server() {
    let server = Server::<Postgres>::start();
    let pool = Deadpool::new(server.port, PASSWORD).await.0;
    let health = ask_with_details(indicators::deadpool::postgres("it", &pool).into()).await;
    let details = health.details();
    assert_eq!((&details["size"], &details["max"]), (&1.into(), &MAX.into()));
    assert_eq!(details["waiting"], 0);
    assert!(details["latencyMs"].as_f64().unwrap() < 1000.0, "{details:?}");
    assert!(details["version"].as_str().unwrap().starts_with(char::is_numeric), "{details:?}");
    // A ping of one's own has no version, which it would ask for each time.
    let health = indicators::deadpool::ping(&pool).await;
    assert_eq!(health.details().get("version"), None);
    assert_eq!(health.details()["idle"], 1);
}

async fn ask_with_details(check: Check) -> management_core::Health {
    let management = management_core::Management::builder().check(check).build().unwrap();
    management.check("it").await.unwrap().health().clone()
}
