//! What every benchmark does before and after it measures.

use std::env;
use std::error::Error;
use std::process::ExitCode;

pub(crate) type Outcome<T> = Result<T, Box<dyn Error>>;

/// Measures under `cargo bench` alone, since `cargo test --all-targets` runs benchmarks too.
pub(crate) fn run(measure: impl FnOnce() -> Outcome<()>) -> ExitCode {
    if !env::args().any(|argument| argument == "--bench") {
        println!("not measured: `cargo bench` does that");
        return ExitCode::SUCCESS;
    }
    conclude(measure())
}

pub(crate) fn conclude(outcome: Outcome<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
