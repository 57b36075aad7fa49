//! What the builder, the environment and the program's own configuration come to.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::check::Check;
use crate::check::settings::{Settings, SettingsFields as _};
use crate::config::Config;
use crate::config::dialect::Dialects;
use crate::config::environment::Environment;
use crate::config::exposure::{Codes, Exposure};
use crate::config::prefix;
#[cfg(feature = "actuator")]
use crate::config::public_url;
use crate::config::route::Route;
use crate::error::{Mistake, Mistakes};
use crate::report::availability::Availability;
use crate::report::health_group::HealthGroups;
use crate::report::runtime_lag::RuntimeLag;
use crate::report::signals::Signals;
use crate::text::secret::Names;

/// What kubelet's default of one second leaves for the answer.
const PROBE_BUDGET: Duration = Duration::from_millis(800);

/// What a load balancer's usual five seconds leave for the answer.
const HEALTH_BUDGET: Duration = Duration::from_millis(4500);

/// Covers the 5 s that Kubernetes takes to remove an endpoint, and HAProxy's three failures 2 s apart.
const DRAIN_DELAY: Duration = Duration::from_secs(10);

/// What Kubernetes' usual grace period of 30 s leaves after the delay, less 5 s.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(15);

/// As long as kubelet's three failures of a probe, 10 s apart.
const STALL_LIMIT: Duration = Duration::from_secs(30);

/// How often the watchdog measures.
const MIN_STALL_LIMIT: Duration = Duration::from_secs(1);

/// Added to instants, so no longer than a clock can count.
const LONGEST_BUDGET: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The configuration with nothing left open.
pub(crate) struct Configured {
    pub(crate) config: Config,
    /// The settings of checks that set nothing of their own.
    pub(crate) defaults: Settings,
    pub(crate) exposure: Exposure,
    pub(crate) secrets: Names,
    probe_budget: Duration,
    pub(crate) health_budget: Duration,
    drain_delay: Duration,
    drain_timeout: Duration,
    stall_limit: Duration,
}

impl Configured {
    /// Puts the builder's settings over those of the environment, and these over the given ones.
    pub(crate) fn new(
        own: Config,
        environment: &Environment,
        given: Config,
        mistakes: &mut Mistakes,
    ) -> Self {
        let environment = Config::from_environment(environment, mistakes);
        let layers =
            [("the builder", own), ("the environment", environment), ("the configuration", given)];
        let config = merge(layers, mistakes);
        mistakes.extend(config.listen.as_deref().and_then(listen_mistake));
        mistakes.extend(config.mask.iter().filter(|name| !Names::can_have(name)).map(mask_mistake));
        Configured {
            defaults: config.settings(),
            exposure: exposure(&config, mistakes),
            secrets: Names::adding(config.mask.iter().map(String::as_str)),
            probe_budget: budget("probe_budget", config.probe_budget, PROBE_BUDGET, mistakes),
            health_budget: budget("health_budget", config.health_budget, HEALTH_BUDGET, mistakes),
            drain_delay: config.drain_delay.unwrap_or(DRAIN_DELAY).min(LONGEST_BUDGET),
            drain_timeout: config.drain_timeout.unwrap_or(DRAIN_TIMEOUT).min(LONGEST_BUDGET),
            stall_limit: stall_limit(config.stall_limit, mistakes),
            config,
        }
    }

    pub(crate) fn runtime_lag(&self) -> Arc<RuntimeLag> {
        Arc::new(RuntimeLag::new(self.stall_limit))
    }

    pub(crate) fn availability(&self, is_starting: bool, signals: &Arc<Signals>) -> Availability {
        let signals = Arc::clone(signals);
        Availability::new(is_starting, self.drain_delay, self.drain_timeout, signals)
    }

    /// The groups of these checks.
    pub(crate) fn groups(&self, checks: &[Check]) -> HealthGroups {
        let (codes, settings) = (self.exposure.codes, self.config.groups.clone());
        HealthGroups::new(settings, checks, codes, self.probe_budget, self.health_budget)
    }
}

/// Puts the layers together, the first over the others. Defaults that contradict each other are reported
/// once, here, and not again for each check that would inherit them.
fn merge(layers: [(&str, Config); 3], mistakes: &mut Mistakes) -> Config {
    layers.into_iter().fold(Config::default(), |merged, (layer, mut config)| {
        let complaints = config.settings().contradictions();
        if !complaints.is_empty() {
            let mistake = |why| Mistake::invalid(format!("{layer}'s defaults: {why}"));
            mistakes.extend(complaints.into_iter().map(mistake));
            config.set_settings(Settings::new());
        }
        merged.or(config)
    })
}

fn exposure(config: &Config, mistakes: &mut Mistakes) -> Exposure {
    let prefix = config.prefix.as_deref().unwrap_or("/z");
    let prefix = prefix::normalize(prefix).unwrap_or_else(|complaint| {
        mistakes.push(Mistake::invalid(complaint));
        String::new()
    });
    let mut codes = Codes::new();
    for (&status, &code) in &config.status_codes {
        if let Err(complaint) = codes.set(status, code) {
            mistakes.push(Mistake::invalid(format!("`status_codes` {complaint}")));
        }
    }
    #[cfg(feature = "actuator")]
    let public_url = config.public_url.as_deref().and_then(|url| {
        let complain = |complaint| mistakes.push(Mistake::invalid(complaint));
        public_url::normalize(url).map_err(complain).ok()
    });
    #[cfg(not(feature = "actuator"))]
    for (key, is_set) in [
        ("public_url", config.public_url.is_some()),
        ("trust_forwarded", config.trust_forwarded.is_some()),
    ] {
        if is_set {
            mistakes.push(Mistake::invalid(format!(
                "`{key}` is for links, which this program does not have: enable the feature `actuator`, or \
                 remove the setting"
            )));
        }
    }
    let is_off = |(route, is_on): (&Route, &bool)| (!is_on).then_some(*route);
    Exposure {
        prefix,
        show_details: config.show_details.clone().unwrap_or_default(),
        codes,
        switched_off: config.endpoints.iter().filter_map(is_off).collect(),
        kubernetes_paths: config.kubernetes_paths.unwrap_or(false),
        dialects: Dialects {
            everywhere: config.dialects.clone().unwrap_or_default(),
            on_listener: config.listener_dialects.clone(),
        },
        #[cfg(feature = "actuator")]
        public_url,
        #[cfg(feature = "actuator")]
        trust_forwarded: config.trust_forwarded.unwrap_or(false),
    }
}

fn budget(
    key: &str,
    set: Option<Duration>,
    default: Duration,
    mistakes: &mut Mistakes,
) -> Duration {
    let budget = set.unwrap_or(default).min(LONGEST_BUDGET);
    if budget.is_zero() {
        mistakes.push(Mistake::invalid(format!("`{key}` is zero: it must be longer")));
    }
    budget
}

fn stall_limit(set: Option<Duration>, mistakes: &mut Mistakes) -> Duration {
    let limit = set.unwrap_or(STALL_LIMIT);
    if !limit.is_zero() && limit < MIN_STALL_LIMIT {
        mistakes.push(Mistake::invalid(format!(
            "`stall_limit` is {}, but stalls are measured once a second: make it at least 1s, or 0s for no limit",
            humantime::format_duration(limit),
        )));
    }
    limit
}

fn mask_mistake(name: &String) -> Mistake {
    Mistake::invalid(format!(
        "`mask` has the name {name:?}, which has no letter and no digit: give the name of a header, a \
         parameter or another key, such as \"x-tenant-key\""
    ))
}

/// The mistake in an address to listen on, if there is one.
fn listen_mistake(address: &str) -> Option<Mistake> {
    let complaint = match address.strip_prefix("unix:") {
        Some(path) if path.starts_with('/') && cfg!(unix) => return None,
        Some(path) if path.starts_with('/') => "this system has no Unix sockets",
        // A host may be called `unix`, with a port behind it.
        Some(path) if path.parse::<u16>().is_err() => {
            "the path of a Unix socket must be absolute, as in \"unix:/run/app/management.sock\""
        }
        _ if is_address_with_port(address) => return None,
        _ => {
            "it is not an address with a port; write it like \"0.0.0.0:8081\" or \
             \"unix:/run/app/management.sock\""
        }
    };
    Some(Mistake::invalid(format!("`listen` is {address:?}: {complaint}")))
}

fn is_address_with_port(address: &str) -> bool {
    let has_port = |(host, port): (&str, &str)| !host.is_empty() && port.parse::<u16>().is_ok();
    address.parse::<SocketAddr>().is_ok()
        || address.rsplit_once(':').filter(|(host, _)| !host.contains(':')).is_some_and(has_port)
}
