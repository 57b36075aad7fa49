//! What the attributes expand to. Not public API.

pub use std::string::String;

pub use inventory;

use crate::health::IntoHealth;

pub use crate::check::{Kind, Origin};
pub use crate::health::Health;
pub use crate::info::Json;
pub use crate::provided::{
    Contributed, Contribution, Fallible, Optional, Plain, Provided, version,
};
pub use crate::registry::{CheckEntry, InfoEntry, VersionEntry, assert_target};
pub use crate::runner::{Failure, Job};
pub use crate::settings::Settings;
pub use crate::state::{Absent, Bind, Bound, ByValue, Owned};

/// The health of what a check returned.
pub fn health<T: IntoHealth>(outcome: T) -> Health {
    outcome.into_health()
}
