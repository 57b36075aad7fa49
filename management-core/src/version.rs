//! Which version of the program this is.

use std::sync::Arc;

use crate::provided::Provided;
use crate::runner::Runner;

/// What is said where nobody knows.
pub(crate) const UNKNOWN: &str = "unknown";

/// Where the version comes from.
pub(crate) struct Version {
    pub(crate) provider: Option<Arc<Runner<Provided<Option<String>>>>>,
    /// The environment variable `VERSION`, read when this was built, unless it is empty.
    pub(crate) variable: Option<String>,
}
