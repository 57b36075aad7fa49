//! Instructions of building a `Management` of 10,000 checks, beside those of sorting their names.
//!
//! Neither needs a runtime. Each is what a child takes under callgrind, less what a child takes that
//! only makes the names.

mod callgrind;
mod driver;

use std::env;
use std::hint::black_box;
use std::mem;
use std::process::ExitCode;

use callgrind::Callgrind;
use driver::Outcome;
use management_axum::{Check, Management};

const CHECKS: usize = 10_000;

const PREPARE: &str = "--prepare";
const SORT: &str = "--sort";
const BUILD: &str = "--build";

fn main() -> ExitCode {
    let work = env::args().nth(1);
    match work.as_deref() {
        Some(PREPARE) => mem::forget(black_box(names())),
        Some(SORT) => sort(names()),
        Some(BUILD) => return driver::conclude(build(names())),
        _ => return driver::run(measure),
    }
    ExitCode::SUCCESS
}

fn measure() -> Outcome<()> {
    let callgrind = Callgrind::find()?;
    let count = |work| callgrind.count(&[work], |_| Ok(()));
    let prepared = count(PREPARE)?;
    let sort = count(SORT)? - prepared;
    let build = count(BUILD)? - prepared;

    println!("{:36} {:>12}", format!("{CHECKS} checks"), "instructions");
    println!("{:36} {sort:>12}", "floor: sorting their names");
    println!("{:36} {build:>12}", "building the management");
    println!("{:36} {:>12.2}", "ratio", build as f64 / sort as f64);
    println!("\nprofiles for callgrind_annotate: {}", Callgrind::profiles().display());
    Ok(())
}

/// Names in an order that looks like none and is always the same.
fn names() -> Vec<String> {
    // A prime that shares no factor with their number visits each of them once.
    (0..CHECKS).map(|at| format!("check-{:05}", at * 7_919 % CHECKS)).collect()
}

// What is made is forgotten, since dropping it is no part of making it.

fn sort(mut names: Vec<String>) {
    names.sort();
    mem::forget(black_box(names));
}

fn build(names: Vec<String>) -> Outcome<()> {
    let builder = names.into_iter().fold(Management::builder(), |builder, name| {
        builder.check(Check::new(name, || async { true }))
    });
    mem::forget(black_box(builder.build()?));
    Ok(())
}
