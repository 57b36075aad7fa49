//! The place in the program where something was registered.

use std::ffi::OsStr;
use std::fmt;
use std::panic::Location;
use std::path::Path;

/// The place where something was registered. Origins are ordered by file and line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    file: &'static str,
    line: u32,
    module: Option<&'static str>,
}

impl Origin {
    /// The place of an attribute.
    pub const fn new(module: &'static str, file: &'static str, line: u32) -> Self {
        Origin { module: Some(module), file, line }
    }

    /// The place of a call.
    #[track_caller]
    pub(crate) fn caller() -> Self {
        let place = Location::caller();
        Origin { module: None, file: place.file(), line: place.line() }
    }

    /// A place other than a line of the program.
    #[cfg(feature = "dependencies")]
    pub(crate) const fn named(place: &'static str) -> Self {
        Origin { module: None, file: place, line: 0 }
    }

    /// The crate of an attribute.
    pub(crate) fn crate_name(&self) -> Option<&'static str> {
        self.module.and_then(|module| module.split("::").next())
    }

    /// The remedy for doc examples that conflict with each other. A message puts it after another remedy.
    ///
    /// In edition 2024, rustdoc merges the examples of a crate into one program, in one file.
    pub(crate) fn remedy_in_doc_example(&self) -> &'static str {
        let name = Path::new(self.file).file_name().and_then(OsStr::to_str).unwrap_or_default();
        if name.starts_with("doctest_bundle_") {
            "; rustdoc merges the doc examples of a crate into one program, so mark each example that \
             registers something with ```` ```standalone_crate ````"
        } else {
            ""
        }
    }

    pub(crate) fn file(&self) -> &'static str {
        self.file
    }

    pub(crate) fn line(&self) -> u32 {
        self.line
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(self.file),
            line => write!(f, "{}:{line}", self.file),
        }
    }
}
