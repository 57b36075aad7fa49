//! Programs that run in an environment of their own.

use std::env;
use std::ffi::OsStr;
use std::process::{Command, Output};

use serde_json::Value;

use crate::PATIENCE;

/// A binary of the package `tests`, whose environment holds what [`env`](Self::env) sets and nothing else.
#[derive(Debug)]
pub struct Program(Command);

impl Program {
    /// Answers one path, with nothing registered.
    pub fn answer(path: &str) -> Self {
        Program::new("answer", &[path])
    }

    /// Answers these paths, with a check of each kind.
    pub fn configured(paths: &[&str]) -> Self {
        Program::new("configured", paths)
    }

    /// The example `deployed`.
    pub fn deployed(arguments: &[&str]) -> Self {
        Program::new("deployed", arguments)
    }

    fn new(name: &str, arguments: &[&str]) -> Self {
        let variable = format!("CARGO_BIN_EXE_{name}");
        let path = env::var_os(&variable).unwrap_or_else(|| {
            panic!("{variable} is not set: Cargo sets it for the tests that it runs")
        });
        let mut command = Command::new(path);
        command.args(arguments).env_clear();
        Program(command)
    }

    /// Sets a variable.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    /// Adds an argument.
    pub fn arg(mut self, argument: &str) -> Self {
        self.0.arg(argument);
        self
    }

    /// Runs to its end, on a thread of its own, so that peers can answer it.
    pub async fn run(mut self) -> Output {
        let running = tokio::task::spawn_blocking(move || self.0.output().unwrap());
        tokio::time::timeout(PATIENCE, running).await.expect("the program ends").unwrap()
    }

    /// The line that it prints for each path.
    pub async fn lines(self) -> Vec<String> {
        let output = self.run().await;
        let said = String::from_utf8(output.stdout).unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}{complaint}");
        said.lines().map(str::to_owned).collect()
    }

    /// The line that it prints for its only path.
    pub async fn line(self) -> String {
        let lines = self.lines().await;
        let [line] = &lines[..] else { panic!("not one line: {lines:?}") };
        line.clone()
    }

    /// The body of the answer to its only path, whatever the code.
    pub async fn json(self) -> Value {
        let line = self.line().await;
        serde_json::from_str(line.split_once(' ').expect("a code and a body").1).expect(&line)
    }

    /// The mistakes that it prints before it fails.
    pub async fn refusal(self) -> String {
        let output = self.run().await;
        assert!(!output.status.success(), "it runs: {output:?}");
        String::from_utf8(output.stderr).unwrap()
    }
}
