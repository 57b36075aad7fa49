//! What the attributes expand to, and what `management-axum` and `management-indicators` share. Not public API.

pub use std::string::String;

use std::{fmt, io};

pub use inventory;

pub use crate::check::entry::{CheckEntry, InfoEntry, VersionEntry, assert_target};
pub use crate::check::health::{Checked, Health};
pub use crate::check::kind::CheckKind;
pub use crate::check::name::{RESERVED_INFO_KEYS, RESERVED_NAMES};
pub use crate::check::origin::Origin;
pub use crate::check::provided::{
    Contributed, Contribution, Fallible, InfoValue, Optional, Plain, Provided, version,
};
pub use crate::check::returned::{AsIs, AsText, Returned, Untouched};
pub use crate::check::settings::Settings;
pub use crate::check::state::{Absent, Bind, Bound, ByValue, Owned};
#[cfg(feature = "dependencies")]
pub use crate::dependency::page::{Page, Target};
pub use crate::info::build_info::Compiled;
pub use crate::info::mountinfo::{Mount, parse as parse_mounts};
pub use crate::run::{Failure, Job};
pub use crate::sync::Mutex;
pub use crate::text::json::Json;
pub use crate::text::reason::{Convertible, IntoReason, Local, LocalError};
pub use crate::text::{tidy_within, url_on_a_line};

use crate::check::Check;
use crate::line::line;

/// Logs that something failed as a line of this library, and so without blocking the thread of the endpoints.
pub fn warn(what: impl fmt::Display, error: &io::Error) {
    line!(WARN, [error = error.to_string()], "{what}: {error}");
}

/// The health of what a check returned.
pub fn health<T: Checked<Shape>, Shape>(outcome: T) -> Health {
    outcome.health()
}

/// A check that was made of something invalid. `build()` reports each complaint, which contains the remedy.
pub fn complain(check: Check, complaints: impl IntoIterator<Item = String>) -> Check {
    check.complain(complaints)
}
