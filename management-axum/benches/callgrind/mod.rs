//! Counts the instructions of a child that is this executable once more, under callgrind.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::driver::Outcome;

/// A valgrind that has been found.
pub(crate) struct Callgrind(());

impl Callgrind {
    /// Looks for valgrind, so that nothing is begun without it.
    pub(crate) fn find() -> Outcome<Self> {
        let version = Command::new("valgrind").arg("--version").stdout(Stdio::null()).status();
        if version.is_ok_and(|status| status.success()) {
            Ok(Callgrind(()))
        } else {
            Err("valgrind is missing: install it with `apt-get install valgrind`".into())
        }
    }

    /// The directory of the profiles, one per last argument, for `callgrind_annotate`.
    pub(crate) fn profiles() -> &'static Path {
        Path::new(env!("CARGO_TARGET_TMPDIR"))
    }

    /// How many instructions a child takes from its start to its end.
    ///
    /// `drive` talks to it. Then its standard input ends, and with that the child has to end.
    pub(crate) fn count(
        &self,
        arguments: &[&str],
        drive: impl FnOnce(&mut Child) -> Outcome<()>,
    ) -> Outcome<u64> {
        let profile = profile(arguments);
        let mut child = Command::new("valgrind")
            .args(["--quiet", "--tool=callgrind"])
            .arg(format!("--callgrind-out-file={}", profile.display()))
            .arg(env::current_exe()?)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let driven = drive(&mut child);
        drop(child.stdin.take());
        let ended = child.wait()?;
        driven?;
        if !ended.success() {
            return Err(format!("the child `{}` failed: {ended}", arguments.join(" ")).into());
        }
        total(&profile)
    }
}

fn profile(arguments: &[&str]) -> PathBuf {
    let words = arguments.last().copied().unwrap_or_default();
    let words: Vec<_> = words
        .split(|character: char| !character.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    Callgrind::profiles().join(format!("callgrind.out.{}", words.join("-")))
}

fn total(profile: &Path) -> Outcome<u64> {
    let text = fs::read_to_string(profile)?;
    let total = text.lines().find_map(|line| line.strip_prefix("totals: "));
    Ok(total.ok_or("callgrind wrote no totals")?.trim().parse()?)
}
