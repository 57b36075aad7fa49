//! Which version of the program this is.

use std::sync::Arc;

use crate::provided::Provided;
use crate::runner::Runner;

/// What is said where nobody knows.
pub(crate) const UNKNOWN: &str = "unknown";

/// Where the version comes from.
pub(crate) struct Version {
    pub(crate) provider: Option<Arc<Runner<Provided<Option<String>>>>>,
    /// The environment variable `VERSION`, unless it is empty.
    pub(crate) variable: Option<String>,
}

impl Version {
    /// `VERSION`, read once. What is no UTF-8 in it is replaced.
    pub(crate) fn from_environment() -> Option<String> {
        let value = std::env::var_os("VERSION")?;
        let value = value.to_string_lossy();
        Some(value.trim().to_owned()).filter(|value| !value.is_empty())
    }
}
