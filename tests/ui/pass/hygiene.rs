#![no_implicit_prelude]
#![allow(non_camel_case_types, dead_code)]

mod std {}
mod core {}
mod management_core {}
mod tokio {}
struct Option;
struct String;
struct Some;
struct None;
struct Result;
struct Box;
struct Send;
struct Future;
struct Clone;

use ::management_axum::{health_check, info_contributor, version_provider};

pub struct Pool;

#[health_check("db", timeout = "2s", ttl = "10s", critical = false, groups = ["a"])]
async fn db(pool: &Pool, owned: u8) -> bool {
    let _ = (pool, owned);
    true
}

#[health_check("cache")]
fn cache(pool: &Pool) {
    let _ = pool;
}

#[version_provider]
fn version() -> &'static str {
    "1"
}

#[info_contributor("git")]
async fn git(pool: &Pool) -> u8 {
    let _ = pool;
    1
}

fn main() {
    let built = ::management_axum::Management::builder().state(Pool).state(1_u8).build();
    ::std::assert_eq!(built.unwrap().checks().len(), 2);
}
