//! A standby of PostgreSQL, which is promoted.

use std::process::Command;

use management_core::Status;
use management_indicators as indicators;

use crate::faults::{Client, PASSWORD, Service, USER};
use crate::pools::{Bb8, Deadpool, Sqlx};
use crate::postgres::{Postgres, program};
use crate::server::{Server, run_as};

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_is_read_only_until_it_is_promoted() {
    let primary = Server::<Postgres>::start();
    let folder = Server::<Postgres>::folder();
    run_as::<Postgres>(
        Command::new(program("pg_basebackup"))
            .args(["--write-recovery-conf", "--checkpoint=fast", "--no-sync", "--host=127.0.0.1"])
            .args([format!("--port={}", primary.port), format!("--username={USER}")])
            .arg(format!("--pgdata={}", folder.path().join("data").display()))
            .env("PGPASSWORD", PASSWORD),
    );
    let standby = Server::<Postgres>::start_in(folder);

    let sqlx = Sqlx::new(standby.port, PASSWORD).await.0;
    let deadpool = Deadpool::new(standby.port, PASSWORD).await.0;
    let bb8 = Bb8::new(standby.port, PASSWORD).await.0;
    let pings = [
        indicators::sqlx::postgres("it", &sqlx).into(),
        indicators::deadpool::postgres("it", &deadpool).into(),
        indicators::bb8::postgres("it", &bb8).into(),
    ];
    for check in pings {
        let answer = Service::new(check).ask("a ping of the standby").await;
        assert_eq!(answer.status, Status::Up, "{answer}");
    }
    let writable = [
        indicators::sqlx::postgres("it", &sqlx).writable().into(),
        indicators::deadpool::postgres("it", &deadpool).writable().into(),
        indicators::bb8::postgres("it", &bb8).writable().into(),
    ];
    let services = writable.map(Service::new);
    for service in &services {
        let answer = service.ask("standby").await;
        assert_eq!((answer.status, &*answer.reason), (Status::Down, "read only"));
    }
    run_as::<Postgres>(
        Command::new(program("pg_ctl"))
            .args(["promote", "--wait", "--silent", "--pgdata"])
            .arg(standby.folder.path().join("data")),
    );
    for service in &services {
        let answer = service.recovers("promoted").await;
        assert_eq!(answer.status, Status::Up, "{answer}");
    }
    // On the primary, it was so all the time.
    let primary = Sqlx::new(primary.port, PASSWORD).await.0;
    let check = indicators::sqlx::postgres("it", &primary).writable();
    assert_eq!(Service::new(check.into()).ask("primary").await.status, Status::Up);
}
