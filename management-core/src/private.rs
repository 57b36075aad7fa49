//! What the attributes expand to, and what `management-axum` shares. Not public API.

pub use std::string::String;

pub use inventory;

pub use crate::check::{Kind, Origin};
pub use crate::health::{Checked, Health};
pub use crate::info::Json;
pub use crate::name::{RESERVED_INFO_KEYS, RESERVED_NAMES};
pub use crate::provided::{
    Contributed, Contribution, Fallible, Optional, Plain, Provided, version,
};
pub use crate::reason::{Convertible, IntoReason, Local, LocalError};
pub use crate::registry::{CheckEntry, InfoEntry, VersionEntry, assert_target};
pub use crate::returned::{AsIs, AsText, Returned, Untouched};
pub use crate::runner::{Failure, Job};
pub use crate::settings::Settings;
pub use crate::state::{Absent, Bind, Bound, ByValue, Owned};
pub use crate::text::{tidy_within, url_on_a_line};

/// The health of what a check returned.
pub fn health<T: Checked<Shape>, Shape>(outcome: T) -> Health {
    outcome.health()
}
