//! What this process is: its OpenTelemetry attributes, its version, and the contributors to `/info`.
//!
//! In: the environment, files of the system and registered functions. Out: keys and values. It does not know requests or
//! bodies.

mod attributes;
pub(crate) mod build_info;
mod container;
mod file;
mod folder;
mod host;
pub(crate) mod identity;
pub(crate) mod instance_id;
mod kubernetes;
#[cfg(feature = "actuator")]
pub(crate) mod load;
pub(crate) mod mountinfo;
mod os;
pub(crate) mod platform;
mod pod_name;
mod process;
pub(crate) mod provider;
#[cfg(feature = "opentelemetry")]
pub(crate) mod resource;
mod resource_attributes;
#[cfg(feature = "_series")]
pub(crate) mod usage;
pub(crate) mod version;

/// The name of the executable, which is the default name of the service.
pub(crate) fn executable() -> String {
    let path = std::env::current_exe().ok();
    let name = path.as_deref().and_then(std::path::Path::file_name);
    let name = name.map_or_else(|| "unknown".into(), |name| name.to_string_lossy());
    name.strip_suffix(std::env::consts::EXE_SUFFIX).unwrap_or(&name).into()
}
