//! The reason of an error has its causes, each of them once.

use std::error::Error;
use std::fmt;
use std::io;

use management_core::{Check, Management};
use support::Lines;

use super::{one, with};

/// An error whose text says nothing of its cause.
#[derive(Debug)]
struct Caused(&'static str, Option<Box<Caused>>);

impl fmt::Display for Caused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Caused {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.1.as_deref().map(|cause| cause as _)
    }
}

fn caused() -> Caused {
    let expired = Caused("certificate expired", None);
    let handshake = Caused("tls handshake", Some(Box::new(expired)));
    Caused("cannot reach the queue", Some(Box::new(handshake)))
}

const CHAIN: &str = "cannot reach the queue: tls handshake: certificate expired";

/// What an error is about is no name of a secret that its cause would be.
#[tokio::test]
async fn a_cause_is_not_masked_for_what_the_error_is_about() {
    let caused =
        || Caused("cannot change password", Some(Box::new(Caused("quota exceeded", None))));
    let check = Check::new("db", move || async move { Err::<(), _>(caused()) });
    let management = with([check]);
    let db = one(&management, "db").await;
    assert_eq!(db.health().reason(), Some("cannot change password: quota exceeded"));
    // One text tells no causes apart.
    let check = Check::new("db", async || Err::<(), _>("cannot change password: hunter2"));
    let db = one(&with([check]), "db").await;
    assert_eq!(db.health().reason(), Some("cannot change password: ***"));
}

#[tokio::test]
async fn every_error_is_told_with_its_causes() {
    let checks = [
        ("async", Check::new("async", async || Err::<(), _>(caused())), CHAIN),
        ("blocking", Check::blocking("blocking", || Err::<bool, _>(caused())), CHAIN),
        (
            "boxed",
            Check::new("boxed", async || Err::<(), Box<dyn Error + Send + Sync>>(caused().into())),
            CHAIN,
        ),
        (
            "boxed for its thread",
            Check::new("boxed for its thread", async || Err::<(), Box<dyn Error>>(caused().into())),
            CHAIN,
        ),
        (
            "boxed and sent",
            Check::blocking("boxed and sent", || {
                Err::<(), Box<dyn Error + Send>>(Box::new(caused()))
            }),
            CHAIN,
        ),
        (
            "anyhow",
            Check::new("anyhow", async || Err::<(), _>(anyhow::Error::new(caused()))),
            CHAIN,
        ),
        (
            "context",
            Check::new("context", async || {
                Err::<(), _>(anyhow::Error::new(caused()).context("no jobs"))
            }),
            "no jobs: cannot reach the queue: tls handshake: certificate expired",
        ),
        ("io", Check::new("io", async || Err::<(), _>(io::Error::other(caused()))), CHAIN),
        ("text", Check::new("text", async || Err::<(), _>("refused")), "refused"),
        ("string", Check::new("string", async || Err::<(), _>("refused".to_owned())), "refused"),
        ("nested", Check::new("nested", async || Ok::<_, String>(Err::<bool, _>(caused()))), CHAIN),
        (
            "repeated",
            Check::new("repeated", async || {
                let outer = "no queue: certificate expired";
                Err::<(), _>(Caused(outer, Some(Box::new(Caused("certificate expired", None)))))
            }),
            "no queue: certificate expired",
        ),
    ];
    for (name, check, reason) in checks {
        let management = with([check]);
        assert_eq!(one(&management, name).await.health().reason(), Some(reason), "{name}");
    }
}

#[tokio::test]
async fn providers_that_fail_tell_causes_too() {
    let lines = Lines::default();
    let _guard = lines.capture();
    let management = Management::builder()
        .info_contributor("git", async || Err::<(), _>(caused()))
        .info_contributor("jobs", async || {
            Err::<(), _>(anyhow::Error::new(caused()).context("none"))
        })
        .version_provider(async || Err::<String, Box<dyn Error>>(caused().into()))
        .build()
        .unwrap();
    lines.take();
    let app = management_axum::router(&management);
    support::get(&app, "/z/info").await;
    let mut said = lines.take();
    said.sort();
    assert_eq!(
        said,
        [
            format!("WARN info contributor `git` failed: {CHAIN}"),
            format!("WARN info contributor `jobs` failed: none: {CHAIN}"),
            format!("WARN version provider failed: {CHAIN}"),
        ]
    );
}
