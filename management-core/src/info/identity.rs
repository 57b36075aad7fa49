//! The attributes of this service, and the keys of them that `/info` shows.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use super::attributes::{Attributes, Wanted};
use super::build_info::BuildInfo;
use super::instance_id::InstanceId;
use super::platform::Platform;
use crate::config::Config;
use crate::config::environment::Environment;
use crate::text::secret::Names;

/// The keys that `/info` has of its own. A contributor can replace `git`, `os` and `process`.
pub(crate) const OWN: [&str; 6] = ["app", "build", "git", "os", "process", ATTRIBUTES];

pub(crate) const ATTRIBUTES: &str = "trace.attributes";

/// Whether `/info` can have this key, apart from those of contributors. The environment determines which attributes exist,
/// so that one configuration must be valid in every environment.
pub(crate) fn can_be_key(key: &str) -> bool {
    OWN.contains(&key) || key.contains('.')
}

/// The attributes of this process, and which keys of `/info` are shown.
pub(crate) struct Identity {
    attributes: Attributes,
    pub(crate) build: Option<BuildInfo>,
    pub(crate) platform: Platform,
    /// The configured keys. `None` allows all keys.
    allowed: Option<BTreeSet<String>>,
}

impl Identity {
    /// `own_name` is the name from the program, which takes precedence over the environment.
    pub(crate) fn new(
        environment: &Environment,
        own_name: Option<String>,
        build: Option<BuildInfo>,
        config: &Config,
    ) -> Self {
        let wanted = Wanted {
            name: own_name,
            default_name: config.name.clone().filter(|name| !name.trim().is_empty()),
            command_line: config.process_command_line.unwrap_or(false),
            secrets: Names::adding(config.mask.iter().map(String::as_str)),
            machine_id: config.machine_id.unwrap_or(false),
            instance_id: config
                .service_instance_id
                .unwrap_or(false)
                .then(|| InstanceId { folder: config.service_instance_id_folder.clone() }),
        };
        Identity {
            attributes: Attributes::read(Path::new("/"), environment, &wanted),
            build,
            platform: Platform::read(Path::new("/")),
            allowed: config.info_keys.as_ref().map(|keys| keys.iter().cloned().collect()),
        }
    }

    pub(crate) fn service_name(&self) -> &str {
        self.attributes.service_name()
    }

    /// Whether this is a key of `/info` or of its attributes, at least on some machine.
    pub(crate) fn knows(&self, key: &str) -> bool {
        OWN.contains(&key) || self.attributes.knows(key)
    }

    /// Whether `/info` shows this key.
    pub(crate) fn shows(&self, key: &str) -> bool {
        self.allowed.as_ref().is_none_or(|allowed| allowed.contains(key))
    }

    /// The attributes that `/info` shows. An allowed attribute is shown even if the others are not.
    pub(crate) fn shown(&self, version: Option<&str>) -> BTreeMap<Cow<'static, str>, Value> {
        let mut attributes = self.attributes.now(version);
        if !self.shows(ATTRIBUTES) {
            attributes.retain(|key, _| self.shows(key));
        }
        attributes
    }

    /// The revision of the source from which the program was built, if the environment or the build says it.
    #[cfg(feature = "_series")]
    pub(crate) fn revision(&self) -> Option<&str> {
        let built = || self.build.as_ref().and_then(BuildInfo::commit);
        self.attributes.listed("vcs.ref.head.revision").or_else(built)
    }

    #[cfg(feature = "opentelemetry")]
    pub(crate) fn resource(&self, version: Option<&str>) -> opentelemetry_sdk::Resource {
        super::resource::resource(self.attributes.now(version))
    }
}
