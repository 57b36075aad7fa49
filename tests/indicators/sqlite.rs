//! SQLite, of which the file is the server.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use management_core::Status;
use management_indicators as indicators;
use management_indicators::pool::PoolProbe;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{Connection, Executor, SqliteConnection, SqlitePool};
use tempfile::TempDir;

use crate::faults::{Answer, Service};

/// A file with a table.
async fn open(folder: &Path) -> SqlitePool {
    let options = options(folder).create_if_missing(true);
    let pool = SqlitePoolOptions::new().max_connections(2).connect_with(options).await.unwrap();
    pool.execute("CREATE TABLE IF NOT EXISTS t (x)").await.unwrap();
    pool
}

fn options(folder: &Path) -> SqliteConnectOptions {
    let options = SqliteConnectOptions::new().filename(folder.join("shop.db"));
    options.busy_timeout(Duration::from_millis(700))
}

/// A connection is given back in the background, and counts as in use until then.
async fn settled(pool: &SqlitePool) {
    while pool.num_idle() < pool.size() as usize {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn ask(check: PoolProbe<SqlitePool>) -> Answer {
    Service::new(check.into()).ask("").await
}

fn probe(pool: &SqlitePool) -> PoolProbe<SqlitePool> {
    indicators::sqlx::sqlite("it", pool)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_gone_is_down_and_is_not_made_again() {
    let folder = TempDir::new().unwrap();
    let pool = open(folder.path()).await;
    let service = Service::new(probe(&pool).writable().into());
    assert_eq!(service.ask("up").await.status, Status::Up);
    let (file, aside) = (folder.path().join("shop.db"), folder.path().join("aside"));
    fs::rename(&file, &aside).unwrap();
    let gone = service.ask("gone").await;
    assert_eq!((gone.status, &*gone.reason), (Status::Down, "unable to open database file"));
    assert!(!file.exists());
    fs::rename(&aside, &file).unwrap();
    assert_eq!(service.ask("back").await.status, Status::Up);

    // Nor does a pool that has no connection yet make it.
    let lazy = SqlitePoolOptions::new();
    let lazy = lazy.connect_lazy_with(options(folder.path()).filename(folder.path().join("other")));
    let missing = ask(probe(&lazy)).await;
    assert_eq!(missing.status, Status::Down);
    assert_eq!(missing.reason, "unable to open database file");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_in_memory_has_no_file() {
    let pool =
        SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await.unwrap();
    for check in [probe(&pool), probe(&pool).writable()] {
        let answer = ask(check).await;
        assert_eq!(answer.status, Status::Up, "{answer}");
    }
}

/// The connection is the database.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_in_memory_outlives_a_probe_that_gives_up() {
    let options = SqliteConnectOptions::new().filename(":memory:");
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
    pool.execute("CREATE TABLE carts (x)").await.unwrap();
    // What a probe does with a connection that has not answered in time.
    let pooled = pool.acquire().await.unwrap();
    management_indicators::pool::Pool::discard(&pool, pooled);
    pool.execute("SELECT x FROM carts").await.unwrap();
    assert_eq!(ask(probe(&pool)).await.status, Status::Up);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_file_is_down_before_the_deadline() {
    let folder = TempDir::new().unwrap();
    let pool = open(folder.path()).await;
    let (reads, writes) =
        (Service::new(probe(&pool).into()), Service::new(probe(&pool).writable().into()));
    let mut other = SqliteConnection::connect_with(&options(folder.path())).await.unwrap();
    other.execute("BEGIN EXCLUSIVE").await.unwrap();
    for service in [&reads, &writes] {
        settled(&pool).await;
        let locked = service.ask("locked").await;
        assert_eq!((locked.status, &*locked.reason), (Status::Down, "database is locked"));
    }
    other.execute("ROLLBACK; BEGIN IMMEDIATE").await.unwrap();
    settled(&pool).await;
    assert_eq!(reads.ask("locked for writers").await.status, Status::Up);
    settled(&pool).await;
    assert_eq!(writes.ask("locked for writers").await.reason, "database is locked");
    other.execute("ROLLBACK").await.unwrap();
    assert_eq!(writes.ask("free").await.status, Status::Up);

    // The program's own time to wait is as before.
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    assert_eq!(writes.ask("locked again").await.status, Status::Down);
    let mut all = [pool.acquire().await.unwrap(), pool.acquire().await.unwrap()];
    for connection in &mut all {
        let timeout = sqlx::query_scalar("PRAGMA busy_timeout").fetch_one(&mut **connection);
        let timeout: i64 = timeout.await.unwrap();
        assert_eq!(timeout, 700);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn writable_leaves_what_the_file_holds() {
    let folder = TempDir::new().unwrap();
    open(folder.path()).await.close().await;
    // The mode can be changed while there is one connection.
    let pool = SqlitePoolOptions::new().max_connections(1);
    let pool = pool.connect_with(options(folder.path())).await.unwrap();
    pool.execute("PRAGMA user_version = 41").await.unwrap();
    let service = Service::new(probe(&pool).writable().into());
    for _ in 0..3 {
        assert_eq!(service.ask("up").await.status, Status::Up);
    }
    let version: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&pool).await.unwrap();
    assert_eq!(version, 41);
    for mode in ["WAL", "DELETE"] {
        pool.execute(sqlx::AssertSqlSafe(format!("PRAGMA journal_mode = {mode}"))).await.unwrap();
        assert_eq!(service.ask(mode).await.status, Status::Up);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_that_may_not_write_is_read_only() {
    let folder = TempDir::new().unwrap();
    drop(open(folder.path()).await);
    let pool = SqlitePoolOptions::new().connect_lazy_with(options(folder.path()).read_only(true));
    assert_eq!(ask(probe(&pool)).await.status, Status::Up);
    let answer = ask(probe(&pool).writable()).await;
    assert_eq!((answer.status, &*answer.reason), (Status::Down, "read only"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_database_is_down() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("shop.db"), [b'x'; 5000]).unwrap();
    let pool = SqlitePoolOptions::new().connect_lazy_with(options(folder.path()));
    let answer = ask(probe(&pool)).await;
    assert_eq!((answer.status, &*answer.reason), (Status::Down, "file is not a database"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_of_ones_own_decides() {
    let folder = TempDir::new().unwrap();
    let pool = open(folder.path()).await;
    assert_eq!(ask(probe(&pool).query("SELECT x FROM t")).await.status, Status::Up);
    let answer = ask(probe(&pool).query("SELECT 1 FROM 'nothing at all'")).await;
    assert_eq!(
        (answer.status, &*answer.reason),
        (Status::Down, "the query failed with the code 1")
    );
}

/// A small file system, if the tests may mount one.
struct Disk(TempDir);

impl Disk {
    fn mount() -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=256k", "tmpfs"]);
        let mounted = mount.arg(folder.path()).output().unwrap().status.success();
        mounted.then(|| Disk(folder))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
        assert!(unmounted.unwrap().success());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_down() {
    let Some(disk) = Disk::mount() else {
        println!("not run: only root may mount a small disk");
        return;
    };
    let pool = open(disk.0.path()).await;
    let service = Service::new(probe(&pool).writable().into());
    let reads = Service::new(probe(&pool).into());
    assert_eq!(service.ask("up").await.status, Status::Up);
    let filler = disk.0.path().join("filler");
    let full = fs::File::create(&filler).unwrap().write_all(&[0; 1 << 19]);
    assert_eq!(full.unwrap_err().kind(), std::io::ErrorKind::StorageFull);
    settled(&pool).await;
    let answer = service.ask("full").await;
    assert_eq!((answer.status, &*answer.reason), (Status::Down, "database or disk is full"));
    assert_eq!(reads.ask("full, for readers").await.status, Status::Up);
    fs::remove_file(filler).unwrap();
    assert_eq!(service.ask("free").await.status, Status::Up);
    pool.close().await;
}
