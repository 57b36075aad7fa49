//! The types of errors that a function can return, and the reasons that result from them.
#![allow(clippy::ptr_arg)]

use std::error::Error;
use std::fmt;

use management_axum::{Management, Status, health_check, info_contributor, version_provider};

#[derive(Debug)]
struct Caused(Option<Box<Caused>>);

impl fmt::Display for Caused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "cannot reach the queue" } else { "certificate expired" })
    }
}

impl Error for Caused {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.as_deref().map(|cause| cause as _)
    }
}

const CHAIN: &str = "cannot reach the queue: certificate expired";

fn caused() -> Caused {
    Caused(Some(Box::new(Caused(None))))
}

#[health_check("own")]
async fn own() -> Result<(), Caused> {
    Err(caused())
}

#[health_check("blocking")]
fn blocking() -> Result<bool, Caused> {
    Err(caused())
}

#[health_check("boxed")]
async fn boxed() -> Result<Status, Box<dyn Error + Send + Sync>> {
    Err(caused().into())
}

#[health_check("local")]
async fn local() -> Result<(), Box<dyn Error>> {
    Err(caused().into())
}

#[health_check("anyhow")]
async fn context() -> anyhow::Result<()> {
    Err(caused().into())
}

#[health_check("string")]
fn string() -> Result<(), String> {
    Err(CHAIN.to_owned())
}

#[health_check("text")]
fn text() -> Result<(), &'static str> {
    Err(CHAIN)
}

struct DisplayOnly;

impl fmt::Display for DisplayOnly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cannot reach the queue")?;
        if f.alternate() { f.write_str(": certificate expired") } else { Ok(()) }
    }
}

#[health_check("display")]
async fn display() -> Result<(), DisplayOnly> {
    Err(DisplayOnly)
}

#[health_check("borrowed")]
fn borrowed(text: &String) -> Result<(), &str> {
    Err(text)
}

#[version_provider]
fn version() -> Result<Option<&'static str>, Box<dyn Error>> {
    Ok(None)
}

#[info_contributor("git")]
async fn git() -> anyhow::Result<u32> {
    Ok(1)
}

#[info_contributor("jobs")]
fn jobs() -> Result<u32, Box<dyn Error>> {
    Ok(1)
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let report = runtime.block_on(async {
        Management::builder().state(CHAIN.to_owned()).build().unwrap().health().await
    });
    assert_eq!(report.components().len(), 9);
    for component in report.components() {
        let reason = component.health().reason();
        assert_eq!(reason, Some(CHAIN), "{}", component.name());
    }
}
