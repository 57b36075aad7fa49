//! The settings that come from outside the program.
//!
//! In: environment variables and the program's own configuration. Out: a [`Config`]. It does not know whether the checks
//! that it names exist.

pub(crate) mod dialect;
pub(crate) mod environment;
pub(crate) mod exposure;
pub(crate) mod group;
pub(crate) mod overrides;
pub(crate) mod prefix;
#[cfg(feature = "actuator")]
pub(crate) mod public_url;
pub(crate) mod route;
mod service_link;
pub(crate) mod show_details;
pub(crate) mod variables;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::check::probe::Probe;
use crate::check::settings::{Settings, SettingsFields as _, count, duration, settings_fields};
use crate::check::status::Status;
use crate::config::dialect::Dialect;
use crate::config::group::Group;
use crate::config::route::Route;
use crate::config::show_details::ShowDetails;
use crate::dependency::Dependency;
use crate::text;
use crate::text::similar::with_suggestion;

#[doc = include_str!("../../docs/config.md")]
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(remote = "Self", default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Config {
    /// The service's name.
    pub name: Option<String>,
    /// The path of the endpoints.
    pub prefix: Option<String>,
    /// Whether an endpoint is served.
    pub endpoints: BTreeMap<Route, bool>,
    /// Whether `/livez`, `/readyz`, `/startupz` and `/healthz` are served.
    pub kubernetes_paths: Option<bool>,
    /// The URL at which clients reach the service, for links.
    pub public_url: Option<String>,
    /// Whether links are made of what `Forwarded` and `X-Forwarded-…` say.
    pub trust_forwarded: Option<bool>,
    /// The deadline of one run.
    #[serde(deserialize_with = "duration")]
    pub timeout: Option<Duration>,
    /// How long a result is reused.
    #[serde(deserialize_with = "duration")]
    pub ttl: Option<Duration>,
    /// How long after the end of a run the next one begins in the background.
    #[serde(deserialize_with = "duration")]
    pub interval: Option<Duration>,
    /// How long after the end of a failed run the next one begins in the background.
    #[serde(deserialize_with = "duration")]
    pub retry: Option<Duration>,
    /// The maximum age of a result.
    #[serde(deserialize_with = "duration")]
    pub valid_for: Option<Duration>,
    /// Whether a failure fails the whole, or only degrades it.
    pub critical: Option<bool>,
    /// How many runs in a row must fail until a check that has succeeded before counts as failed.
    #[serde(deserialize_with = "count")]
    pub fail_after: Option<u32>,
    /// The settings of single checks.
    pub checks: BTreeMap<String, CheckConfig>,
    /// How long a probe waits.
    #[serde(deserialize_with = "duration")]
    pub probe_budget: Option<Duration>,
    /// How long `/health` waits.
    #[serde(deserialize_with = "duration")]
    pub health_budget: Option<Duration>,
    /// The address of a separate listener for the endpoints.
    pub listen: Option<String>,
    /// How long the service continues to accept requests after a drain has begun.
    #[serde(deserialize_with = "duration")]
    pub drain_delay: Option<Duration>,
    /// How long requests in flight may take after that.
    #[serde(deserialize_with = "duration")]
    pub drain_timeout: Option<Duration>,
    /// How long the application's runtime may run no task before liveness is `DOWN`.
    #[serde(deserialize_with = "duration")]
    pub stall_limit: Option<Duration>,
    /// Which requests are shown details and error texts.
    pub show_details: Option<ShowDetails>,
    /// Names whose values are masked, in addition to the usual ones.
    pub mask: Vec<String>,
    /// The HTTP status codes of statuses.
    pub status_codes: BTreeMap<Status, u16>,
    /// What clients of health answers understand beside 200 and 503.
    pub dialects: Option<BTreeSet<Dialect>>,
    /// The same on the separate listener for the endpoints.
    pub listener_dialects: Option<BTreeSet<Dialect>>,
    /// The groups of checks, and settings of probes.
    pub groups: BTreeMap<String, Group>,
    /// The services that this one needs.
    pub service_dependencies: BTreeMap<String, Dependency>,
    /// The dependencies that are part of readiness, in addition to those with [`Dependency::readiness`].
    pub cascade: BTreeMap<Probe, Vec<String>>,
    /// The scheme of dependencies without one.
    pub preferred_url_scheme: Option<String>,
    /// A PEM file of certificates to trust in addition to those of the platform.
    pub dependency_ca_file: Option<PathBuf>,
    /// A PEM file with the client certificates and their private key for requests to dependencies.
    pub dependency_client_certificate_file: Option<PathBuf>,
    /// Whether dependencies are asked through the proxies of the environment.
    pub dependency_environment_proxies: Option<bool>,
    /// The keys that `/info` shows.
    pub info_keys: Option<Vec<String>>,
    /// Whether `/info` has `service.instance.id`.
    pub service_instance_id: Option<bool>,
    /// The folder of the file with the instance id.
    pub service_instance_id_folder: Option<PathBuf>,
    /// Whether `/info` has `process.command_line`.
    pub process_command_line: Option<bool>,
    /// Whether `/info` has `machine.id`.
    pub machine_id: Option<bool>,
}

/// The settings of one check. They take precedence over those of its attribute or its setters.
///
/// ```
/// let config: management_core::Config = serde_json::from_str(
///     r#"{"checks": {"db": {"timeout": "500ms", "critical": false}, "search": {"enabled": false}}}"#,
/// )?;
/// assert_eq!(config.checks["search"].enabled, Some(false));
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct CheckConfig {
    /// `false` removes the check.
    pub enabled: Option<bool>,
    /// Whether a failure fails the whole, or only degrades it.
    pub critical: Option<bool>,
    /// How many runs in a row must fail until a check that has succeeded before counts as failed.
    #[serde(deserialize_with = "count")]
    pub fail_after: Option<u32>,
    /// The deadline of one run.
    #[serde(deserialize_with = "duration")]
    pub timeout: Option<Duration>,
    /// How long a result is reused.
    #[serde(deserialize_with = "duration")]
    pub ttl: Option<Duration>,
    /// How long after the end of a run the next one begins in the background.
    #[serde(deserialize_with = "duration")]
    pub interval: Option<Duration>,
    /// How long after the end of a failed run the next one begins in the background.
    #[serde(deserialize_with = "duration")]
    pub retry: Option<Duration>,
    /// The maximum age of a result.
    #[serde(deserialize_with = "duration")]
    pub valid_for: Option<Duration>,
}

impl<'de> Deserialize<'de> for Config {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Not every format names the key of a mistake.
        let mut track = serde_path_to_error::Track::new();
        let tracking = serde_path_to_error::Deserializer::new(deserializer, &mut track);
        Config::deserialize(tracking).map_err(|error| {
            let path = track.path().to_string();
            let error = with_suggestion(error.to_string());
            // An unknown key is not part of the path. The error names it.
            match path.trim_end_matches(".?") {
                "." => D::Error::custom(text::verbatim(error)),
                path => D::Error::custom(text::verbatim(format_args!("`{path}`: {error}"))),
            }
        })
    }
}

impl Config {
    /// This configuration. `fallback` fills in the values that are not set. Maps are merged by their keys.
    pub(crate) fn or(self, fallback: Config) -> Config {
        fn merged<K: Ord, V>(mut own: BTreeMap<K, V>, fallback: BTreeMap<K, V>) -> BTreeMap<K, V> {
            for (key, value) in fallback {
                own.entry(key).or_insert(value);
            }
            own
        }
        let Settings { timeout, ttl, interval, retry: _, valid_for, critical, fail_after } =
            self.settings().or(&fallback.settings());
        // Checks that have an interval take it, whatever the schedule of the others is.
        let retry = self.retry.or(fallback.retry);
        let mut checks = self.checks;
        for (name, fallback) in fallback.checks {
            let own = checks.remove(&name).unwrap_or_default();
            checks.insert(name, own.or(&fallback));
        }
        let mut groups = self.groups;
        for (name, fallback) in fallback.groups {
            let own = groups.remove(&name).unwrap_or_default();
            groups.insert(name, own.or(fallback));
        }
        Config {
            name: self.name.or(fallback.name),
            prefix: self.prefix.or(fallback.prefix),
            endpoints: merged(self.endpoints, fallback.endpoints),
            dialects: self.dialects.or(fallback.dialects),
            listener_dialects: self.listener_dialects.or(fallback.listener_dialects),
            kubernetes_paths: self.kubernetes_paths.or(fallback.kubernetes_paths),
            public_url: self.public_url.or(fallback.public_url),
            trust_forwarded: self.trust_forwarded.or(fallback.trust_forwarded),
            timeout,
            ttl,
            interval,
            retry,
            valid_for,
            critical,
            fail_after,
            checks,
            probe_budget: self.probe_budget.or(fallback.probe_budget),
            health_budget: self.health_budget.or(fallback.health_budget),
            listen: self.listen.or(fallback.listen),
            drain_delay: self.drain_delay.or(fallback.drain_delay),
            drain_timeout: self.drain_timeout.or(fallback.drain_timeout),
            stall_limit: self.stall_limit.or(fallback.stall_limit),
            show_details: self.show_details.or(fallback.show_details),
            mask: [self.mask, fallback.mask].concat(),
            status_codes: merged(self.status_codes, fallback.status_codes),
            groups,
            service_dependencies: merged(self.service_dependencies, fallback.service_dependencies),
            cascade: merged(self.cascade, fallback.cascade),
            preferred_url_scheme: self.preferred_url_scheme.or(fallback.preferred_url_scheme),
            dependency_ca_file: self.dependency_ca_file.or(fallback.dependency_ca_file),
            dependency_client_certificate_file: self
                .dependency_client_certificate_file
                .or(fallback.dependency_client_certificate_file),
            dependency_environment_proxies: self
                .dependency_environment_proxies
                .or(fallback.dependency_environment_proxies),
            info_keys: self.info_keys.or(fallback.info_keys),
            service_instance_id: self.service_instance_id.or(fallback.service_instance_id),
            service_instance_id_folder: self
                .service_instance_id_folder
                .or(fallback.service_instance_id_folder),
            process_command_line: self.process_command_line.or(fallback.process_command_line),
            machine_id: self.machine_id.or(fallback.machine_id),
        }
    }
}

impl CheckConfig {
    fn or(mut self, fallback: &CheckConfig) -> CheckConfig {
        self.set_settings(self.settings().or(&fallback.settings()));
        self.enabled = self.enabled.or(fallback.enabled);
        self
    }
}

settings_fields!(Config);
settings_fields!(CheckConfig);

#[cfg(test)]
mod tests;
