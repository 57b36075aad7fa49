//! Who this service is, and how much of that `/info` tells.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use super::attributes::{Attributes, Wanted};
use super::instance_id::InstanceId;
use crate::config::Config;
use crate::config::environment::Environment;
use crate::text::secret::Names;

/// The keys that are always there, whatever contributors bring.
pub(crate) const OWN: [&str; 3] = ["app", "build", ATTRIBUTES];

pub(crate) const ATTRIBUTES: &str = "trace.attributes";

/// Whether `/info` may have such a key, apart from those of contributors. Which attributes there are
/// is for the environment to say, so that one configuration fits all of them.
pub(crate) fn can_be_key(key: &str) -> bool {
    OWN.contains(&key) || key.contains('.')
}

/// The attributes of this process, and which keys of `/info` are shown.
pub(crate) struct Identity {
    attributes: Attributes,
    /// All of them, where nothing is said.
    allowed: Option<BTreeSet<String>>,
}

impl Identity {
    /// `own_name` is what the program says, which comes before the environment.
    pub(crate) fn new(
        environment: &Environment,
        own_name: Option<String>,
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
            allowed: config.info_keys.as_ref().map(|keys| keys.iter().cloned().collect()),
        }
    }

    pub(crate) fn service_name(&self) -> &str {
        self.attributes.service_name()
    }

    /// Whether there is such a key, of the whole or of the attributes, on some machine at least.
    pub(crate) fn knows(&self, key: &str) -> bool {
        OWN.contains(&key) || self.attributes.knows(key)
    }

    /// Whether a key of the whole is shown.
    pub(crate) fn shows(&self, key: &str) -> bool {
        self.allowed.as_ref().is_none_or(|allowed| allowed.contains(key))
    }

    /// The attributes that are shown. An allowed attribute is shown without the others.
    pub(crate) fn shown(&self, version: Option<&str>) -> BTreeMap<Cow<'static, str>, Value> {
        let mut attributes = self.attributes.now(version);
        if !self.shows(ATTRIBUTES) {
            attributes.retain(|key, _| self.shows(key));
        }
        attributes
    }

    #[cfg(feature = "opentelemetry")]
    pub(crate) fn resource(&self, version: Option<&str>) -> opentelemetry_sdk::Resource {
        super::resource::resource(self.attributes.now(version))
    }
}
