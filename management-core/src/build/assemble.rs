//! From a builder to a management, or to all the mistakes in it.

use std::net::SocketAddr;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use crate::build::accept;
use crate::build::builder::Builder;
use crate::build::collect;
use crate::build::grouping;
use crate::check::entry;
use crate::check::settings::Settings;
use crate::check::{Check, Kind};
use crate::config::Config;
use crate::config::environment::Environment;
use crate::config::exposure::Exposure;
use crate::config::overrides::{self, some_of};
use crate::config::prefix;
use crate::error::{Error, Mistake, refuse};
use crate::info::identity::{self, Identity};
use crate::info::provider::Contributor;
use crate::info::version::Version;
use crate::line::line;
use crate::management::{Inner, Management};
use crate::report::availability::Availability;
use crate::report::log;
use crate::report::scope::{Groups, Scopes};
use crate::report::signals::Signals;
use crate::report::slot::Slot;
use crate::text::secret::Names;
use crate::text::similar::did_you_mean;

/// What kubelet's default of one second leaves for the answer.
const PROBE_BUDGET: Duration = Duration::from_millis(800);

/// What a load balancer's usual five seconds leave for the answer.
const HEALTH_BUDGET: Duration = Duration::from_millis(4500);

/// What covers the 5 s in which Kubernetes tells everyone, and HAProxy's three failures 2 s apart.
const DRAIN_DELAY: Duration = Duration::from_secs(10);

/// What Kubernetes' usual grace period of 30 s leaves after the delay, less 5 s.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(15);

/// Added to instants, so no longer than a clock can count.
const LONGEST_BUDGET: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl Builder {
    /// Makes the [`Management`], and starts its background work where a runtime is present.
    ///
    /// # Errors
    ///
    /// All mistakes at once, those of a check with its file and line: names that are taken, reserved or
    /// no names; state that is missing or given twice; settings that exclude each other; two version
    /// providers or two contributors of one key; a group named like a check; a check that is required,
    /// replaced, left out, configured or a member of a group, and not there; a prefix that is no path; a status code other
    /// than 200 and 503; a service dependency that is no URL; a variable of the environment that cannot
    /// be read.
    pub fn build(self) -> Result<Management, Error> {
        self.build_in(&Environment::of_process())
    }

    pub(crate) fn build_in(self, environment: &Environment) -> Result<Management, Error> {
        let is_found = entry::is_found();
        let mut mistakes = self.mistakes;
        let mut state = self.state;
        mistakes.append(&mut state.mistakes);

        let own_name = self.own.name.clone().filter(|name| !name.trim().is_empty());
        let environs = Config::from_environment(environment, &mut mistakes);
        let layers = [
            ("the builder", self.own),
            ("the environment", environs),
            ("the configuration", self.given),
        ];
        let mut config = merge(layers, &mut mistakes);
        let defaults = config.defaults();
        let probe_budget = budget("probe_budget", config.probe_budget, PROBE_BUDGET, &mut mistakes);
        let health_budget =
            budget("health_budget", config.health_budget, HEALTH_BUDGET, &mut mistakes);
        let prefix = config.prefix.as_deref().unwrap_or("/z");
        let prefix = prefix::normalize(prefix).unwrap_or_else(|complaint| {
            mistakes.push(Mistake::invalid(complaint));
            String::new()
        });
        let exposure = Exposure::new(prefix, &config, &mut mistakes);
        mistakes.extend(config.listen.as_deref().and_then(listen_complaint).map(Mistake::invalid));

        mistakes.extend(config.mask.iter().filter(|name| !Names::can_have(name)).map(|name| {
            Mistake::invalid(format!(
                "`mask` has the name {name:?}, which has no letter and no digit: give the name of a \
                 header, a parameter or another key, such as \"x-tenant-key\""
            ))
        }));
        let secrets = Names::adding(config.mask.iter().map(String::as_str));

        let mut checks =
            collect::registered(is_found, self.without_registered, &self.left_out, &mut mistakes);
        checks.extend(self.checks);
        checks.extend(dependencies(&config, &exposure.prefix, &mut mistakes));
        let has_checks = !checks.is_empty();
        collect::replace(&mut checks, self.replacements, &mut mistakes);
        checks.sort_by(|one, other| (&one.name, &one.origin).cmp(&(&other.name, &other.origin)));
        accept::names(&checks, &mut mistakes);
        for name in self.required {
            // Of a dependency that cannot be asked, that has been told.
            let is_told = config.service_dependencies.contains_key(&name);
            if !is_told && checks.binary_search_by(|check| check.name.cmp(&name)).is_err() {
                mistakes.push(Mistake::absent(
                    "require",
                    &name,
                    &format!(
                        "{}there are {}; the linker leaves out a crate that nobody names, so write \
                         `use its_crate as _;` in the binary",
                        did_you_mean(&name, checks.iter().map(|check| check.name.as_str())),
                        some_of(&checks),
                    ),
                ));
            }
        }
        grouping::judge(&config, &checks, &mut mistakes);
        let groups = std::mem::take(&mut config.groups);
        let scopes = Scopes::new(groups, &checks, exposure.codes, probe_budget, health_budget);
        let overridden = overrides::apply(&mut checks, &config, &mut mistakes);

        let has_dependencies = checks.iter().any(|check| check.kind == Some(Kind::Dependency));
        let signals = Arc::new(Signals::new(secrets));
        let drain_delay = config.drain_delay.unwrap_or(DRAIN_DELAY).min(LONGEST_BUDGET);
        let drain_timeout = config.drain_timeout.unwrap_or(DRAIN_TIMEOUT).min(LONGEST_BUDGET);
        let availability =
            Availability::new(self.starting, drain_delay, drain_timeout, Arc::clone(&signals));
        let slots: Vec<_> = checks
            .into_iter()
            .filter_map(|check| {
                accept::check(check, &state, &defaults, &signals, &scopes, &mut mistakes)
            })
            .map(Arc::new)
            .collect();

        let provider = collect::version_provider(
            self.version,
            self.without_registered,
            &state,
            &defaults,
            &mut mistakes,
        );
        let contributors = collect::contributors(
            self.contributors,
            self.without_registered,
            &state,
            &defaults,
            &mut mistakes,
        );
        let is_contributed = |key: &str| contributors.iter().any(|(known, _)| known == key);
        for key in config.info_keys.iter().flatten() {
            if !identity::can_be_key(key) && !is_contributed(key) {
                mistakes.push(Mistake::info_key(key));
            }
        }
        // The identity may write a file, which nobody wants of a program that is not going to run.
        refuse(mistakes)?;
        let identity = Identity::new(environment, own_name, &config);
        for key in config.info_keys.iter().flatten() {
            if !identity.knows(key) && !is_contributed(key) {
                line!(WARN, "`info_keys` allows `{key}`, which is no attribute that is known here");
            }
        }

        let keys: Vec<_> = contributors.iter().map(|(key, _)| &**key).collect();
        tell(&slots, &scopes.groups(), provider.is_some(), &keys);
        if !has_checks && provider.is_none() && keys.is_empty() {
            line!(
                WARN,
                "nothing is registered or added, so health is always UP: add checks with `.check(…)`; if \
                 attributes are used, write `use its_crate as _;` for their crate, and remove linker flags that \
                 drop registrations, such as `--allow-multiple-definition`",
            );
        }
        for told in overridden {
            line!(INFO, "{told}");
        }
        let untaken = state.untaken();
        if !untaken.is_empty() {
            let untaken = log::some_of(&untaken);
            line!(INFO, "state that nothing takes: {untaken}");
        }
        let provider = provider.map(|provider| {
            provider.into_runner("version provider".into(), &signals, health_budget)
        });
        let contributors = contributors
            .into_iter()
            .map(|(key, provider)| {
                let what = format!("info contributor `{key}`");
                Contributor { runner: provider.into_runner(what, &signals, health_budget), key }
            })
            .collect();
        Ok(Management::from_inner(Inner {
            identity,
            slots: RwLock::new(Arc::new(slots)),
            version: Version { provider, variable: environment.get("VERSION") },
            contributors,
            signals,
            defaults,
            health_budget,
            scopes,
            exposure,
            overrides: config.checks,
            has_dependencies,
            availability,
            listen: Mutex::new(config.listen),
            endpoints: AtomicUsize::new(0),
        }))
    }
}

/// Puts the layers together, the first over the others. Defaults that contradict themselves are told
/// once, here, and not again for each check that would take them over.
fn merge(layers: [(&str, Config); 3], mistakes: &mut Vec<Mistake>) -> Config {
    layers.into_iter().fold(Config::default(), |merged, (place, mut layer)| {
        let complaints = layer.defaults().contradictions();
        if !complaints.is_empty() {
            let told = |why| Mistake::invalid(format!("{place}'s defaults: {why}"));
            mistakes.extend(complaints.into_iter().map(told));
            layer.set_defaults(Settings::new());
        }
        merged.or(layer)
    })
}

/// What is wrong with an address to listen at, or nothing.
fn listen_complaint(address: &str) -> Option<String> {
    if address.strip_prefix("unix:").is_some_and(|path| path.starts_with('/')) {
        return (!cfg!(unix))
            .then(|| format!("`listen` is {address:?}, and there are no Unix sockets here"));
    }
    let is_address_of_unix = |rest: &str| rest.parse::<u16>().is_err();
    if address.strip_prefix("unix:").is_some_and(is_address_of_unix) {
        return Some(format!(
            "`listen` is {address:?}: the path of a Unix socket must be absolute, as in \
             \"unix:/run/app/management.sock\""
        ));
    }
    let has_port = |(host, port): (&str, &str)| !host.is_empty() && port.parse::<u16>().is_ok();
    let is_address = address.parse::<SocketAddr>().is_ok()
        || address.rsplit_once(':').filter(|(host, _)| !host.contains(':')).is_some_and(has_port);
    (!is_address).then(|| {
        format!("`listen` is {address:?}, which is no address with a port: write it like \"0.0.0.0:8081\" or \
                 \"unix:/run/app/management.sock\"")
    })
}

fn budget(
    key: &str,
    set: Option<Duration>,
    default: Duration,
    mistakes: &mut Vec<Mistake>,
) -> Duration {
    let budget = set.unwrap_or(default).min(LONGEST_BUDGET);
    if budget.is_zero() {
        mistakes.push(Mistake::invalid(format!("`{key}` is zero: it must be longer")));
    }
    budget
}

#[cfg(feature = "dependencies")]
fn dependencies(config: &Config, prefix: &str, mistakes: &mut Vec<Mistake>) -> Vec<Check> {
    super::targets::checks(config, prefix, mistakes)
}

#[cfg(not(feature = "dependencies"))]
fn dependencies(config: &Config, _: &str, mistakes: &mut Vec<Mistake>) -> Vec<Check> {
    if !config.service_dependencies.is_empty() || !config.cascade.is_empty() {
        mistakes.push(Mistake::invalid(
            "`service_dependencies` are configured, and this program has no client to ask them: turn on \
             the feature `dependencies` of this library",
        ));
    }
    Vec::new()
}

/// Tells the log what there is, by name: a check that has vanished is not seen in a count.
fn tell(slots: &[Arc<Slot>], groups: &Groups, has_version: bool, keys: &[&str]) {
    let is_dependency = |slot: &&Arc<Slot>| slot.about.kind == Kind::Dependency;
    let (dependencies, checks): (Vec<_>, Vec<_>) = slots.iter().partition(is_dependency);
    let names = |slots: Vec<&Arc<Slot>>| -> Vec<String> {
        slots.into_iter().map(|slot| slot.name().to_owned()).collect()
    };
    line!(
        INFO,
        "registered {}; {}; {} version provider; {}",
        counted(&names(checks), "check", "checks"),
        counted(&names(dependencies), "service dependency", "service dependencies"),
        if has_version { "a" } else { "no" },
        counted(keys, "info contributor", "info contributors"),
    );
    for slot in slots {
        let krate = slot.origin.krate().map(|krate| format!(" of {krate}")).unwrap_or_default();
        line!(DEBUG, "{} check {} at {}{krate}", slot.about.kind, slot.name(), slot.origin);
    }
    for group in groups.values() {
        if !group.has_availability() && !slots.iter().any(|slot| group.has(slot)) {
            line!(WARN, "{group} has no member, and is UP whatever happens");
        }
    }
}

fn counted<T: AsRef<str>>(names: &[T], one: &str, many: &str) -> String {
    let names: Vec<_> = names.iter().map(|name| log::listed(name.as_ref())).collect();
    match names.len() {
        0 => format!("0 {many}"),
        1 => format!("1 {one}: {}", names[0]),
        count => format!("{count} {many}: {}", log::some_of(&names)),
    }
}
